import type { Delivery, RecordPosition } from '#libs/kernel'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A record as it came from a broker, with what it takes in memory. */
export interface FetchedRecord extends Delivery {
  readonly sizeBytes: number
}

/** Where to read on, and in which life of the topic: one that is deleted and made anew has the same name and offsets, but another id. */
export interface FetchPosition extends RecordPosition {
  /** null: not known yet, so whatever the brokers have by this name. */
  readonly topicId: string | null
}

/** What one fetch brought for one partition. */
export type FetchedPartition =
  | {
      readonly kind: 'records'
      readonly topic: string
      readonly partition: number
      readonly records: readonly FetchedRecord[]
      /** Where the next fetch goes on: behind the last record, and behind markers and gaps that carry none. */
      readonly nextOffset: bigint
      readonly topicId: string
    }
  /** The position belongs to a topic that is no more: this one has the same name, and begins at `startOffset`. */
  | {
      readonly kind: 'made_anew'
      readonly topic: string
      readonly partition: number
      readonly topicId: string
      readonly startOffset: bigint
    }
  /** Retention has deleted the position: what is left begins at `startOffset`. */
  | { readonly kind: 'out_of_range'; readonly topic: string; readonly partition: number; readonly startOffset: bigint }
  | { readonly kind: 'failed'; readonly topic: string; readonly partition: number; readonly error: Error }

export interface FetchLimits {
  /** For the whole answer. A first batch of records that is larger comes all the same (KIP-74). */
  readonly maxBytes: number
  readonly maxPartitionBytes: number
  readonly maxWaitMs: number
}

/** Reads records. It belongs to no group, and its long polls never delay a heartbeat. */
export abstract class RecordReader {
  /** Which broker leads each partition; partitions without a leader are left out. */
  abstract leaders(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<number, readonly TopicPartition[]>>
  /** One fetch from one broker; never two at once for the same broker. Rejects when nothing could be read at all. */
  abstract fetch(brokerId: number, positions: readonly FetchPosition[], limits: FetchLimits): Promise<readonly FetchedPartition[]>
  abstract close(): Promise<void>
}

/** Told by a membership, in this order: any number of (`revoke`, `assigned`), then perhaps `lost`. */
export interface MembershipListener {
  /** Awaited before partitions are given up: only `kept` stay. While it runs, commits are still accepted. Must not reject. */
  revoke(kept: readonly TopicPartition[]): Promise<void>
  /** All that this member owns now. */
  assigned(owned: readonly TopicPartition[]): void
  /** The group has answered: this member is alive in it. */
  heartbeat(): void
  /** This member is out of the group or cannot find its way back; nothing that it owned is its own any more. */
  lost(cause: Error): void
}

/** One life of one member in the group. Heartbeats run by themselves from `join` to `leave`. */
export abstract class GroupMembership {
  abstract join(): Promise<void>
  /** Rejects where the group no longer takes commits of this member. Never joins again by itself. */
  abstract commit(offsets: readonly RecordPosition[]): Promise<void>
  /** Idempotent. Static members keep their place in the group; others are gone at once. */
  abstract leave(): Promise<void>
}

export interface ProducedRecord {
  readonly topic: string
  readonly key: Buffer | null
  readonly value: Buffer
  /** Name and value in turn, flat: a record has eight headers, and an entry of a Map for each costs more than what is in it. */
  readonly headers: readonly Buffer[]
}

/** Some of the records may be out all the same. */
export class ProduceError extends Error {
  override readonly name = 'ProduceError'

  /** too_large: no retry will help, unless with fewer records. refused: the brokers have answered. unavailable: they have not. */
  constructor(
    readonly kind: 'too_large' | 'refused' | 'unavailable',
    cause: Error,
  ) {
    super(kind === 'too_large' ? 'the records are too large for the broker' : `the broker has not taken the records: ${cause.message}`, {
      cause,
    })
  }
}

export abstract class RecordProducer {
  /** Resolves when all in-sync replicas have every record. Rejects with ProduceError. */
  abstract send(records: readonly ProducedRecord[]): Promise<void>
  abstract close(): Promise<void>
}

export interface NewTopics {
  readonly names: readonly string[]
  readonly partitions: number
  readonly replicationFactor: number
}

/** What can be asked of the cluster, and done to it, from outside of the group. */
export abstract class ClusterAdmin {
  abstract existing(topics: readonly string[]): Promise<ReadonlySet<string>>
  /** Topics that exist already are left as they are. */
  abstract create(topics: NewTopics): Promise<void>
  abstract partitions(topics: readonly string[]): Promise<readonly TopicPartition[]>
  /** Tells a topic from a later one of the same name; those that are not there are left out. */
  abstract topicIds(topics: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** How long each topic keeps its records, in milliseconds; Infinity where it never deletes by time. */
  abstract retentionsMs(topics: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** The first offset at or after a time (milliseconds since 1970); `latest` where there is none. */
  abstract offsetsAt(topics: readonly string[], at: 'earliest' | 'latest' | number): Promise<readonly RecordPosition[]>
  /** What the group has committed; partitions without a commit are left out. */
  abstract committed(partitions: readonly TopicPartition[]): Promise<readonly RecordPosition[]>
  /** Commits for the group from outside of it. Rejects while it has members. */
  abstract commitForGroup(offsets: readonly RecordPosition[]): Promise<void>
  abstract close(): Promise<void>
}

/** A Kafka client library. Everything that knows one by name lies in `client/`. */
export abstract class KafkaClient {
  abstract createReader(): RecordReader
  abstract createMembership(topics: readonly string[], listener: MembershipListener): GroupMembership
  abstract createProducer(): RecordProducer
  abstract createAdmin(): ClusterAdmin
}
