import { DELIVERIES_PATTERN, KAFKA_TRANSPORT, type DeliveryBatch, type PipelineContext } from '#libs/kernel'
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices'
import { isObservable, lastValueFrom } from 'rxjs'
import type { QueueEvents } from './queue.events.js'

export interface BatchIntake {
  start(): void
  stop(): Promise<void>
}

export type DispatchBatch = (batch: DeliveryBatch, signal: AbortSignal) => Promise<void>

export interface KafkaTransportOptions {
  readonly createIntake: (dispatch: DispatchBatch, onRefused: (cause: Error) => void) => BatchIntake
  /** Resolves when the intake is ready, or after a while: the application must not wait for a broker for ever. */
  readonly whenStarted: (signal: AbortSignal) => Promise<void>
  readonly events: QueueEvents
}

/**
 * Nest's side of the intake: one handler, for batches of deliveries, whose Observable is awaited to its end. The base class would resolve
 * as soon as it is subscribed, and so acknowledge what is not stored yet.
 */
export class KafkaTransport extends Server implements CustomTransportStrategy {
  override readonly transportId = KAFKA_TRANSPORT
  /** Rejections are ours to retry; Nest must not log each of them. */
  override readonly propagatesEventHandlerErrors = true
  private readonly intake: BatchIntake
  private readonly closing = new AbortController()
  /** What `listen` still waits for; a refusal after that goes to QueueEvents. */
  private announcement: PromiseWithResolvers<void> | undefined
  private handler: MessageHandler | undefined

  constructor(private readonly options: KafkaTransportOptions) {
    super()
    this.intake = options.createIntake(
      (batch, signal) => this.dispatch(batch, signal),
      (cause) => (this.announcement ? this.announcement.reject(cause) : options.events.fail(cause)),
    )
  }

  listen(callback: (error?: Error) => void): void {
    const handler = this.getHandlerByPattern(DELIVERIES_PATTERN)
    if (handler === null) {
      callback(new Error(`no handler for the pattern "${DELIVERIES_PATTERN}" of the Kafka transport: its records would be skipped`))
      return
    }
    this.handler = handler
    void this.announce(callback)
    this.intake.start()
  }

  /** Drains, commits and leaves the group. Idempotent. */
  async close(): Promise<void> {
    this.closing.abort()
    await this.intake.stop()
  }

  on(): never {
    throw new Error('the Kafka transport has no events of its own: subscribe to QueueEvents')
  }

  unwrap(): never {
    throw new Error('the Kafka transport keeps its client to itself')
  }

  private async announce(callback: (error?: Error) => void): Promise<void> {
    this.announcement = Promise.withResolvers()
    this.options.whenStarted(this.closing.signal).then(this.announcement.resolve, this.announcement.reject)
    const failure = await this.announcement.promise.then(
      () => undefined,
      (error: Error) => error,
    )
    this.announcement = undefined
    callback(failure)
  }

  private async dispatch(batch: DeliveryBatch, signal: AbortSignal): Promise<void> {
    const context: PipelineContext = {
      transport: 'kafka',
      subject: { topic: batch.topic, partition: batch.partition },
      traceparent: null,
      correlationId: null,
      deadlineMs: null,
      signal,
      receivedAtMs: Date.now(),
    }
    const result: unknown = await this.handler!(batch, context)
    if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined })
  }
}
