import { Injectable, Logger } from '@nestjs/common'
import { Ledger, ResultPublisher, type OutboxMessage } from '#libs/kernel'
import { publishMessages } from './publish-messages.js'

const INTERVAL_MS = 1_000
const OLD_MS = 5_000
const BATCH = 500
/** Before the second try of a message that was refused for good, as one that is too large for its topic; then twice as long each time. */
const REFUSED_DELAY_MS = 10_000
const MAX_REFUSED_DELAY_MS = 3_600_000
const MAX_REMEMBERED = 10_000

/** Publishes what has stayed in the outbox: left by a worker that died, or while Kafka was away. Publishing twice is allowed.
 * What its topic refuses waits longer each time, up to an hour, and is named in the log: only a person can repair that. */
@Injectable()
export class OutboxSweeper {
  private readonly logger = new Logger(OutboxSweeper.name)
  private timer: NodeJS.Timeout | undefined
  private stopped = false
  /** How long the next wait of a refused message is. */
  private readonly delaysMs = new Map<number, number>()
  private sweeping: Promise<void> = Promise.resolve()

  constructor(
    private readonly ledger: Ledger,
    private readonly publisher: ResultPublisher,
  ) {}

  start(): void {
    if (this.stopped) return
    clearTimeout(this.timer)
    this.timer = setTimeout(() => {
      this.sweeping = this.sweep()
        .catch((error: unknown) => this.logger.warn('the outbox could not be swept', { error }))
        .then(() => this.start())
    }, INTERVAL_MS)
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.timer)
    await this.sweeping
  }

  /** Returns when nothing old is left. */
  private async sweep(): Promise<void> {
    while (!this.stopped) {
      const messages = await this.ledger.takeUnpublished(OLD_MS, BATCH)
      if (messages.length === 0) return
      const { published, refused, failure } = await publishMessages(this.publisher, messages)
      if (published.length > 0) await this.ledger.markPublished(published.map(({ id }) => id))
      for (const { id } of published) this.delaysMs.delete(id)
      for (const { message, error } of refused) await this.postpone(message, error)
      if (failure !== undefined) throw failure
    }
  }
  private async postpone({ id, eventId, channel, value }: OutboxMessage, error: unknown): Promise<void> {
    const delayMs = this.delaysMs.get(id) ?? REFUSED_DELAY_MS
    if (this.delaysMs.size > MAX_REMEMBERED) this.delaysMs.clear()
    this.delaysMs.set(id, Math.min(2 * delayMs, MAX_REFUSED_DELAY_MS))
    this.logger.error('a message is refused by its topic', {
      outboxId: id,
      eventId,
      channel,
      sizeBytes: value.length,
      nextTryInMs: delayMs,
      error,
    })
    await this.ledger.postponePublishing(id, delayMs)
  }
}
