import { describe, expect, it, onTestFinished } from 'vitest'
import { SystemClock } from '#libs/kernel'
import { DeadlineWatch } from '../http/deadline.watch.js'
import { ANSWER_TEXT, makeCall, makeSettings, streamFrames } from '../testing/factories.js'
import { chunked, httpResponse, ScriptedServer, STREAM_END, STREAM_HEAD, type Script } from '../testing/scripted.server.js'
import { createOpenAiClient } from './create-openai.client.js'
import { OpenAiCompatibleClient } from './openai-compatible.client.js'

async function setUp(script: Script, env: Record<string, string> = {}) {
  const server = await ScriptedServer.start(script, onTestFinished)
  const settings = makeSettings({ OPENAI_BASE_URL: `${server.url}/v1/`, ...env })
  const clock = new SystemClock()
  const client = createOpenAiClient(settings.openai!, settings, new DeadlineWatch(clock), clock)
  onTestFinished(() => client.close())
  return { client, server, send: (call = makeCall({ model: 'qwen' })) => client.send(call, new AbortController().signal) }
}

describe(OpenAiCompatibleClient.name, () => {
  it('sends one request with the key, and reads the answer', async () => {
    const { client, server, send } = await setUp((socket) => socket.write(httpResponse(200, ANSWER_TEXT)), {
      OPENAI_API_KEY: 'sk-1',
      LLM_CONTEXT_WINDOWS: 'qwen=32768',
    })
    const result = await send()
    expect(result).toMatchObject({ kind: 'answered' })
    expect(result.kind === 'answered' && client.parse(result.answer)).toMatchObject({ text: 'Привет' })
    expect(server.requests[0]?.head).toMatch(/^POST \/v1\/chat\/completions /)
    expect(server.requests[0]?.head).toContain('authorization: Bearer sk-1')
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({
      model: 'qwen',
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 100,
    })
    expect(client.contextWindow('qwen')).toBe(32_768)
  })

  it('sends no key where there is none', async () => {
    const { server, send } = await setUp((socket) => socket.write(httpResponse(200, ANSWER_TEXT)))
    await send()
    expect(server.requests[0]?.head).not.toContain('authorization')
  })

  it('asks for usage in a stream, and for a schema where the endpoint offers it', async () => {
    const { client, server, send } = await setUp(
      (socket) =>
        socket.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunked(streamFrames(['a', 'b']).join('')), Buffer.from(STREAM_END)])),
      { OPENAI_STRUCTURED_OUTPUT: 'true' },
    )
    const result = await send(makeCall({ stream: true, responseSchema: { type: 'object' } }))
    expect(result.kind === 'answered' && client.parse(result.answer).text).toBe('ab')
    expect(JSON.parse(server.requests[0]?.body ?? '')).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' }, strict: true } },
    })
  })

  it.each<[string, number, unknown, string, boolean]>([
    ['a wrong key', 401, { error: { message: 'bad key', code: 'invalid_api_key' } }, 'llm_unauthorized', true],
    [
      'a prompt that is too long',
      400,
      { error: { message: "This model's maximum context length is 4096 tokens" } },
      'llm_payload_too_large',
      false,
    ],
    ['an unknown model at Ollama', 404, { error: 'model "x" not found' }, 'llm_model_not_found', false],
    ['a busy vLLM', 503, { error: { message: 'busy', code: 503 } }, 'llm_model_unavailable', true],
    ['an error in a 200', 200, { error: { message: 'Rate limited', code: 429 } }, 'llm_rate_limited', true],
  ])('says refused for %s', async (_name, status, body, code, retryable) => {
    const { send } = await setUp((socket) => socket.write(httpResponse(status, JSON.stringify(body))))
    expect(await send()).toMatchObject({ kind: 'refused', error: { code, retryable } })
  })

  it('never throws: a request that cannot be made is not sent', async () => {
    const { send, server } = await setUp(() => undefined)
    const cyclic: Record<string, never> = {}
    cyclic.self = cyclic as never
    expect(await send(makeCall({ params: cyclic }))).toMatchObject({ kind: 'not_sent', error: { code: 'internal' } })
    expect(server.requests).toHaveLength(0)
  })
})
