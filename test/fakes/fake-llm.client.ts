import { vi } from 'vitest'
import { LlmClient, LlmClients } from '#libs/kernel'
import { refuse } from './refuse.js'

export class FakeLlmClient extends LlmClient {
  override readonly provider = 'gigachat'
  override readonly send = vi.fn<LlmClient['send']>(refuse('LlmClient.send'))
  override readonly parse = vi.fn<LlmClient['parse']>(refuse('LlmClient.parse'))
  override readonly contextWindow = vi.fn<LlmClient['contextWindow']>(() => undefined)
}

/** One provider, `gigachat`. */
export class FakeLlmClients extends LlmClients {
  override readonly providers = ['gigachat']

  constructor(readonly client = new FakeLlmClient()) {
    super()
  }

  override of(provider: string): LlmClient {
    if (provider !== this.client.provider) throw new Error(`LlmClients.of was called with ${provider}, which the test does not know`)
    return this.client
  }
}
