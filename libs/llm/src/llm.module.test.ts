import { Test } from '@nestjs/testing'
import { register } from 'prom-client'
import { beforeEach, describe, expect, it } from 'vitest'
import { ConfigModule } from '#libs/config'
import { LlmClients } from '#libs/kernel'
import { MetricsModule } from '#libs/metrics'
import { tracingSettings } from '#libs/tracing'
import { LlmModule } from './llm.module.js'
import { llmSettings } from './llm.settings.js'
import { makeSettings } from './testing/factories.js'

async function start(env: Record<string, string>) {
  const application = await Test.createTestingModule({
    imports: [ConfigModule.forRoot([llmSettings, tracingSettings]), MetricsModule.forRoot({ service: 'sluice', version: '0' }), LlmModule],
  })
    .overrideProvider(llmSettings.KEY)
    .useValue(makeSettings(env))
    .compile()
  return { application, clients: application.get(LlmClients) }
}

beforeEach(() => register.clear())

describe(LlmModule.name, () => {
  it('gives a client for each configured provider', async () => {
    const { application, clients } = await start({ GIGACHAT_CREDENTIALS: 'a2V5', OPENAI_BASE_URL: 'http://localhost:1/v1' })
    expect(clients.providers).toEqual(['gigachat', 'openai'])
    expect(clients.of('openai').provider).toBe('openai')
    await application.close()
  })

  it('names the providers that there are when another one is asked for', async () => {
    const { application, clients } = await start({ OPENAI_BASE_URL: 'http://localhost:1/v1' })
    expect(() => clients.of('gigachat')).toThrow(
      expect.objectContaining({ code: 'model_not_allowed', message: 'the provider "gigachat" is not configured; there are: openai' }),
    )
    await application.close()
  })

  it('closes the clients when the application has shut down', async () => {
    const { application, clients } = await start({ OPENAI_BASE_URL: 'http://localhost:1/v1' })
    await application.close()
    const call = { attemptId: 'a', model: 'm', messages: [], params: {}, stream: false }
    expect(await clients.of('openai').send(call, new AbortController().signal)).toMatchObject({
      kind: 'not_sent',
      error: { code: 'shutdown' },
    })
  })
})
