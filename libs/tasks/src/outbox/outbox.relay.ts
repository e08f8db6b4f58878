import { setTimeout as delay } from 'node:timers/promises'
import { Injectable, Logger } from '@nestjs/common'
import { Ledger, ResultPublisher, type OutboxMessage } from '#libs/kernel'
import { publishMessages } from './publish-messages.js'

const MAX_GROUP = 500
const MAX_GROUP_BYTES = 4 * 1024 * 1024
const MAX_GROUPS_UNDER_WAY = 4
const MAX_HELD_MESSAGES = 20_000
const MAX_HELD_BYTES = 64 * 1024 * 1024
/** Nobody waits for a row to leave the outbox, so what was published meanwhile leaves it in one statement. */
const MARK_DELAY_MS = 100

/**
 * Publishes what has just been put into the outbox, in batches, without making the tasks wait for it. It may drop anything at any time
 * (too much is held, Kafka is away, the process dies): the rows stay in the outbox and the sweeper takes them when they are old. The
 * memory that it may hold is bounded in messages and in bytes.
 *
 * A message: waiting -> in a group under way -> published -> marked (its row is gone). From each of these it may be left to the sweeper.
 */
@Injectable()
export class OutboxRelay {
  private readonly logger = new Logger(OutboxRelay.name)
  private waiting: OutboxMessage[] = []
  private isScheduled = false
  private groupsUnderWay = 0
  private published: OutboxMessage[] = []
  private isMarking = false
  /** Nothing has been published since the last warning. */
  private isFailing = false
  private heldMessages = 0
  private heldBytes = 0
  private idleListeners: (() => void)[] = []

  constructor(
    private readonly ledger: Ledger,
    private readonly publisher: ResultPublisher,
  ) {}

  publish(messages: readonly OutboxMessage[]): void {
    for (const message of messages) {
      if (this.heldMessages >= MAX_HELD_MESSAGES || this.heldBytes >= MAX_HELD_BYTES) break
      this.heldMessages++
      this.heldBytes += message.value.length
      this.waiting.push(message)
    }
    this.schedule()
  }

  /** Resolves when everything that was handed over is out and marked, or has been given up for the sweeper. */
  whenIdle(): Promise<void> {
    if (this.heldMessages === 0) return Promise.resolve()
    return new Promise((resolve) => this.idleListeners.push(resolve))
  }

  /** At the end of this turn of the event loop, so that all who publish in it share a group. */
  private schedule(): void {
    if (this.isScheduled || this.waiting.length === 0 || this.groupsUnderWay >= MAX_GROUPS_UNDER_WAY) return
    this.isScheduled = true
    setImmediate(() => {
      this.isScheduled = false
      void this.publishGroup(this.takeGroup())
      this.schedule()
    })
  }

  private takeGroup(): OutboxMessage[] {
    let count = 0
    let sizeBytes = 0
    for (const { value } of this.waiting) {
      sizeBytes += value.length
      if (count > 0 && (count >= MAX_GROUP || sizeBytes > MAX_GROUP_BYTES)) break
      count++
    }
    return this.waiting.splice(0, count)
  }

  private async publishGroup(messages: readonly OutboxMessage[]): Promise<void> {
    this.groupsUnderWay++
    const { published, refused, failure = refused[0]?.error } = await publishMessages(this.publisher, messages)
    this.groupsUnderWay--
    this.schedule()
    if (published.length > 0) this.isFailing = false
    if (failure !== undefined) {
      this.noteFailure(failure, messages.length - published.length)
      const out = new Set(published)
      this.release(messages.filter((message) => !out.has(message)))
    }
    for (const message of published) this.published.push(message)
    if (!this.isMarking) void this.markPublished()
  }

  private async markPublished(): Promise<void> {
    this.isMarking = true
    while (this.published.length > 0) {
      await delay(MARK_DELAY_MS)
      const messages = this.published
      this.published = []
      await this.ledger.markPublished(messages.map(({ id }) => id)).catch((error: unknown) => this.warn(error, messages.length))
      this.release(messages)
    }
    this.isMarking = false
  }

  /** While Kafka is away each group fails at once: the first one tells. */
  private noteFailure(error: unknown, messages: number): void {
    if (!this.isFailing) this.warn(error, messages)
    this.isFailing = true
  }

  private warn(error: unknown, messages: number): void {
    this.logger.warn('messages were not published: the sweeper will take them', { error, count: messages })
  }

  private release(messages: readonly OutboxMessage[]): void {
    for (const { value } of messages) this.heldBytes -= value.length
    this.heldMessages -= messages.length
    if (this.heldMessages > 0) return
    const listeners = this.idleListeners
    this.idleListeners = []
    listeners.forEach((listener) => listener())
  }
}
