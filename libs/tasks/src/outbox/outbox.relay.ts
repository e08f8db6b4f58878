import { Injectable, Logger } from '@nestjs/common'
import { publishMessages } from './publish-messages.js'
import { GroupCommit, Ledger, ResultPublisher, type OutboxMessage } from '#libs/kernel'

const MAX_GROUP = 500
const MAX_GROUP_BYTES = 4 * 1024 * 1024
const MAX_WAITING_MESSAGES = 20_000
const MAX_WAITING_BYTES = 64 * 1024 * 1024

/**
 * Publishes what has just been put into the outbox, in batches, without making the tasks wait for it. It may drop anything at any time
 * (too much is waiting, Kafka is away, the process dies): the rows stay in the outbox and the sweeper takes them when they are old.
 * The memory that it may hold is bounded in messages and in bytes.
 */
@Injectable()
export class OutboxRelay {
  private readonly logger = new Logger(OutboxRelay.name)
  private readonly groups = new GroupCommit<OutboxMessage, void>({
    maxItems: MAX_GROUP,
    maxSizeBytes: MAX_GROUP_BYTES,
    sizeOf: ({ value }) => value.length,
    concurrency: 4,
    commit: async (messages) => {
      await this.publishGroup(messages)
      return Array.from(messages, () => undefined)
    },
  })
  private waitingMessages = 0
  private waitingBytes = 0

  constructor(
    private readonly ledger: Ledger,
    private readonly publisher: ResultPublisher,
  ) {}

  publish(messages: readonly OutboxMessage[]): void {
    for (const message of messages) {
      if (this.waitingMessages >= MAX_WAITING_MESSAGES || this.waitingBytes >= MAX_WAITING_BYTES) return
      this.waitingMessages++
      this.waitingBytes += message.value.length
      void this.groups.add(message).then(
        () => this.settle(message),
        () => this.settle(message),
      )
    }
  }

  /** Resolves when everything that was handed over is out, or has been given up for the sweeper. */
  whenIdle(): Promise<void> {
    return this.groups.whenIdle()
  }

  private async publishGroup(messages: readonly OutboxMessage[]): Promise<void> {
    const { published, failure } = await publishMessages(this.publisher, messages)
    if (failure !== undefined) this.warn(failure, messages.length - published.length)
    if (published.length === 0) return
    await this.ledger.markPublished(published.map(({ id }) => id)).catch((error: unknown) => this.warn(error, published.length))
  }

  private warn(error: unknown, messages: number): void {
    this.logger.warn('messages were not published: the sweeper will take them', { error, messages })
  }

  private settle(message: OutboxMessage): void {
    this.waitingMessages--
    this.waitingBytes -= message.value.length
  }
}
