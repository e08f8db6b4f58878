import type { OutboxMessage } from './ledger.port.js'

/** Puts outbox messages on their topics. Idempotent for consumers by event id: publishing again is allowed. */
export abstract class ResultPublisher {
  /** Resolves when the brokers have acknowledged every message. Throws TaskError `queue_unavailable` (retryable): then some may be out. */
  abstract publish(messages: readonly OutboxMessage[]): Promise<void>
}
