import { EventEmitter } from 'node:events'
import type { RecordPosition } from '#libs/kernel'
import type { TopicPartition } from '../kafka-client.port.js'

export interface BatchEvent extends TopicPartition {
  readonly firstOffset: bigint
  readonly records: number
  readonly sizeBytes: number
  /** 1-based. */
  readonly attempt: number
}

/**
 * out_of_range: retention has taken the records in between. made_anew: the topic was deleted, with what of it was not read, and its name
 * now means another one, which is read from its beginning.
 */
export type OffsetResetCause = 'out_of_range' | 'made_anew'

/** Of one request. */
export interface ProducedTopic {
  readonly records: number
  readonly sizeBytes: number
}

/** What happens at the queue, for metrics and logs. */
export interface QueueEventMap {
  batchDispatched: [BatchEvent]
  batchStored: [BatchEvent & { readonly durationMs: number }]
  batchFailed: [BatchEvent & { readonly error: Error; readonly retryInMs: number }]
  /** Records of one topic that a fetch has brought. */
  fetched: [{ readonly topic: string; readonly records: number; readonly sizeBytes: number }]
  committed: [{ readonly offsets: readonly RecordPosition[]; readonly durationMs: number }]
  /** `attempt`: of the commit that follows, 2 or more. */
  commitFailed: [{ readonly offsets: readonly RecordPosition[]; readonly error: Error; readonly attempt: number }]
  /** Partitions were given up; `undrained` had batches in flight when the time for that was over. */
  revoked: [{ readonly partitions: readonly TopicPartition[]; readonly undrained: readonly TopicPartition[] }]
  assigned: [{ readonly partitions: readonly TopicPartition[]; readonly added: readonly TopicPartition[] }]
  /** Records are gone from Kafka, perhaps unread. */
  offsetReset: [TopicPartition & { readonly from: bigint; readonly to: bigint; readonly cause: OffsetResetCause }]
  /** The topic was deleted and made anew while nobody read it here: it begins at earliest where the group has no offsets of it. */
  topicMadeAnew: [{ readonly topic: string }]
  /** `attempt`: of the fetch that follows, 2 or more. */
  fetchFailed: [{ readonly error: Error; readonly attempt: number; readonly delayMs: number }]
  /** One partition cannot be read, while the others of its broker can; `attempt` as above. */
  partitionFailed: [TopicPartition & { readonly error: Error; readonly attempt: number; readonly delayMs: number }]
  /** This broker owes an answer for longer than the stall timeout, while others answer. Said once each time. */
  brokerSilent: [{ readonly broker: number }]
  /** The session ended by itself and is opened again after a delay; `attempt` as above. */
  reopening: [{ readonly cause: Error; readonly attempt: number; readonly delayMs: number }]
  /** How long the topics keep their records could not be found out, so it was not compared with TASK_ID_RETENTION_DAYS. */
  retentionUnknown: [{ readonly error: Error }]
  topicsCreated: [{ readonly topics: readonly string[] }]
  produced: [
    {
      readonly records: number
      readonly sizeBytes: number
      readonly durationMs: number
      readonly topics: ReadonlyMap<string, ProducedTopic>
    },
  ]
  produceFailed: [{ readonly records: number; readonly error: Error; readonly attempt: number }]
  /** The service must not go on: end the process with a failure. Without a listener it is thrown. */
  fatal: [Error]
}

export class QueueEvents extends EventEmitter<QueueEventMap> {
  /** A refusal that nobody listens to must not be lost. */
  fail(error: Error): void {
    if (this.emit('fatal', error)) return
    setImmediate(() => {
      throw error
    })
  }
}
