import type { Ledger, OutboxMessage } from '#libs/kernel'
import type { Faults } from './faults.js'
import type { ReplicaFate } from './replica.fate.js'

const SWEEP_MS = 5_000

/** The topics of results and dead letters: every value that was published, by event id. */
export class SimulatedTopic {
  readonly values = new Map<string, Set<string>>()

  take({ eventId, value }: OutboxMessage): void {
    const known = this.values.get(eventId) ?? new Set()
    this.values.set(eventId, known.add(value.toString()))
  }
}

/** A replica's way to the topics: what does not get there is left to a sweeper, as the outbox's own relay does. */
export class SimulatedRelay {
  constructor(
    private readonly ledger: Ledger,
    private readonly topic: SimulatedTopic,
    private readonly parts: { readonly fate: ReplicaFate; readonly faults: Faults },
  ) {
    setInterval(() => void this.sweep(), SWEEP_MS)
  }

  publish(messages: readonly OutboxMessage[]): void {
    void this.send(messages).catch(() => {})
  }

  private async sweep(): Promise<void> {
    if (!this.parts.fate.isRunning) return
    await this.ledger.takeUnpublished(SWEEP_MS, 100).then(
      (messages) => this.publish(messages),
      () => {},
    )
  }

  private async send(messages: readonly OutboxMessage[]): Promise<void> {
    const sent = messages.filter(() => !this.parts.faults.happens('lostMessage'))
    if (sent.length === 0) return
    await this.parts.fate.pass()
    sent.forEach((message) => this.topic.take(message))
    await this.ledger.markPublished(sent.map(({ id }) => id))
  }
}
