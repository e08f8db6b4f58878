import type { OnApplicationShutdown } from '@nestjs/common'
import { LlmClients, TaskError, type LlmClient } from '#libs/kernel'

export type ClosableLlmClient = LlmClient & { close(): Promise<void> }

/** The clients of the providers that the settings name. Closes them after the workers have stopped. */
export class ConfiguredLlmClients extends LlmClients implements OnApplicationShutdown {
  private readonly clients: ReadonlyMap<string, ClosableLlmClient>

  constructor(clients: readonly ClosableLlmClient[]) {
    super()
    this.clients = new Map(clients.map((client) => [client.provider, client]))
  }

  of(provider: string): LlmClient {
    const client = this.clients.get(provider)
    if (client) return client
    throw TaskError.invalid('model_not_allowed', `the provider "${provider}" is not configured; there are: ${this.providers.join(', ')}`)
  }

  get providers(): readonly string[] {
    return [...this.clients.keys()]
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.clients.values()].map((client) => client.close()))
  }
}
