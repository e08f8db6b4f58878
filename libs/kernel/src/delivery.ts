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
  /** Only where the value could not be read: this stands for one or more records whose contents are too large for our memory. */
  readonly unread?: UnreadRecords | undefined
}

/** Records that were compressed together and would take more than `maxBytes` when unpacked. */
export interface UnreadRecords {
  readonly firstOffset: bigint
  readonly lastOffset: bigint
  readonly count: number
  /** As they are in Kafka: compressed. */
  readonly sizeBytes: number
  /** Of the compressed bytes, lower-case hex. */
  readonly sha256: string
  readonly maxBytes: number
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
