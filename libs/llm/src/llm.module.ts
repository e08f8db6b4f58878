import { Module } from '@nestjs/common'
import { LlmClients, SystemClock } from '#libs/kernel'
import { ConfiguredLlmClients, type ClosableLlmClient } from './configured.llm-clients.js'
import { createGigaChatClient } from './gigachat/create-gigachat.client.js'
import { DeadlineWatch } from './http/deadline.watch.js'
import { createOpenAiClient } from './openai/create-openai.client.js'
import { llmSettings, type LlmSettings } from './llm.settings.js'

function createClients(settings: LlmSettings): ConfiguredLlmClients {
  const clock = new SystemClock()
  const watch = new DeadlineWatch(clock)
  const clients: ClosableLlmClient[] = []
  if (settings.gigachat) clients.push(createGigaChatClient(settings.gigachat, settings, watch, clock))
  if (settings.openai) clients.push(createOpenAiClient(settings.openai, settings, watch, clock))
  return new ConfiguredLlmClients(clients)
}

@Module({
  providers: [{ provide: LlmClients, inject: [llmSettings.KEY], useFactory: createClients }],
  exports: [LlmClients],
})
export class LlmModule {}
