import { Injectable, Logger } from '@nestjs/common'
import { Ledger, ResultPublisher } from '#libs/kernel'
import { publishMessages } from './publish-messages.js'

const INTERVAL_MS = 1_000
const OLD_MS = 5_000
const BATCH = 500

/** Publishes what has stayed in the outbox: left by a worker that died, or while Kafka was away. Publishing twice is allowed. */
@Injectable()
export class OutboxSweeper {
  private readonly logger = new Logger(OutboxSweeper.name)
  private timer: NodeJS.Timeout | undefined
  private stopped = false
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
      const { published, failure } = await publishMessages(this.publisher, messages)
      if (published.length > 0) await this.ledger.markPublished(published.map(({ id }) => id))
      if (failure !== undefined) throw failure
    }
  }
}
