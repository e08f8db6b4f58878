import { Inject, Module } from '@nestjs/common'
import { CallObserver, LlmClients, SystemClock } from '#libs/kernel'
import { LogLevels } from '#libs/logging'
import { CertificateMeter } from '#libs/metrics'
import { tracingSettings, type TracingSettings } from '#libs/tracing'
import { ConfiguredLlmClients, type ClosableLlmClient } from './configured.llm-clients.js'
import { createGigaChatClient } from './gigachat/create-gigachat.client.js'
import { DeadlineWatch } from './http/deadline.watch.js'
import { createOpenAiClient } from './openai/create-openai.client.js'
import { llmSettings, type LlmSettings } from './llm.settings.js'
import { LlmMeter } from './observe/llm.meter.js'
import { llmMetrics } from './observe/llm.metrics.js'
import { LlmSpans } from './observe/llm.spans.js'
import { MeteredCallObserver } from './observe/metered.call-observer.js'

function createClients(settings: LlmSettings): ConfiguredLlmClients {
  const clock = new SystemClock()
  const watch = new DeadlineWatch(clock)
  const clients: ClosableLlmClient[] = []
  if (settings.gigachat) clients.push(createGigaChatClient(settings.gigachat, settings, watch, clock))
  if (settings.openai) clients.push(createOpenAiClient(settings.openai, settings, watch, clock))
  return new ConfiguredLlmClients(clients)
}

function createObserver(
  meter: LlmMeter,
  { gigachat, openai }: LlmSettings,
  { capturesContent }: TracingSettings,
  levels?: LogLevels,
): CallObserver {
  const origins = new Map<string, URL>()
  if (gigachat) origins.set('gigachat', gigachat.baseUrl)
  if (openai) origins.set('openai', openai.baseUrl)
  return new MeteredCallObserver(meter, new LlmSpans({ origins, capturesContent }), levels)
}

@Module({
  providers: [
    ...llmMetrics,
    LlmMeter,
    { provide: LlmClients, inject: [llmSettings.KEY], useFactory: createClients },
    {
      provide: CallObserver,
      inject: [LlmMeter, llmSettings.KEY, tracingSettings.KEY, { token: LogLevels, optional: true }],
      useFactory: createObserver,
    },
  ],
  exports: [LlmClients, CallObserver],
})
export class LlmModule {
  constructor(certificates: CertificateMeter, @Inject(llmSettings.KEY) { gigachat, openai }: LlmSettings) {
    for (const [provider, tls] of Object.entries({ gigachat: gigachat?.tls, openai: openai?.tls })) {
      certificates.show(`${provider} client`, tls?.cert)
      certificates.show(`${provider} roots`, tls?.caBundle)
    }
  }
}
