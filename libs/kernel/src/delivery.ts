/** Where a record lies in Kafka: the identity of a delivery. */
export interface RecordPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/** One Kafka record that (perhaps) carries a task. */
export interface Delivery extends RecordPosition {
  readonly key: Buffer | null
  /** null is a tombstone. */
  readonly value: Buffer | null
  /** By lower-case name; the last one wins where a name comes twice. */
  readonly headers: ReadonlyMap<string, Buffer>
  /** The record's own time, milliseconds since 1970. */
  readonly timestampMs: number
}

/**
 * Deliveries of one topic and one partition, in offset order. The transport commits their offsets only after the handler has resolved:
 * it resolves when every one of them is stored, as a task, a duplicate or a rejection.
 */
export interface DeliveryBatch {
  readonly topic: string
  readonly partition: number
  readonly deliveries: readonly Delivery[]
}
