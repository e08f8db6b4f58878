import { ProduceAcks } from '@platformatic/kafka'
import { writeRecordBatch, type RecordBatch } from './record-batch.encoder.js'

const NULL_STRING = 0
const NO_TAGS = 0
/** Transactional id, acks, timeout; the tags at the end. */
const FIXED_BYTES = 1 + 2 + 4 + 1
/** Partition index; the tags behind its records. */
const PARTITION_BYTES = 4 + 1

export interface PartitionBatch {
  readonly topic: string
  readonly partition: number
  readonly batch: RecordBatch
}

type Topics = ReadonlyMap<string, readonly PartitionBatch[]>

export interface ProduceTimes {
  /** How long the broker may wait for its replicas. */
  readonly timeoutMs: number
  /** Of all records, in milliseconds since 1970. */
  readonly timestampMs: number
}

/** The body of a Produce request, versions 9 to 11, in one piece: https://kafka.apache.org/protocol#The_Messages_Produce */
export function encodeProduceRequest(batches: readonly PartitionBatch[], { timeoutMs, timestampMs }: ProduceTimes): Buffer {
  const topics = Map.groupBy(batches, ({ topic }) => topic)
  const target = Buffer.allocUnsafe(sizeOfRequest(topics))
  let at = target.writeUInt8(NULL_STRING, 0)
  at = target.writeInt16BE(ProduceAcks.ALL, at)
  at = target.writeInt32BE(timeoutMs, at)
  at = writeLength(target, at, topics.size)
  for (const [topic, partitions] of topics) {
    at = writeLength(target, at, Buffer.byteLength(topic))
    at += target.write(topic, at)
    at = writePartitions(target, at, partitions, timestampMs)
    target[at++] = NO_TAGS
  }
  target[at] = NO_TAGS
  return target
}

function sizeOfRequest(topics: Topics): number {
  let size = FIXED_BYTES + sizeOfLength(topics.size)
  for (const [topic, partitions] of topics) {
    const nameBytes = Buffer.byteLength(topic)
    size += sizeOfLength(nameBytes) + nameBytes + sizeOfLength(partitions.length) + 1
    for (const { batch } of partitions) size += PARTITION_BYTES + sizeOfLength(batch.sizeBytes) + batch.sizeBytes
  }
  return size
}

function writePartitions(target: Buffer, start: number, partitions: readonly PartitionBatch[], timestampMs: number): number {
  let at = writeLength(target, start, partitions.length)
  for (const { partition, batch } of partitions) {
    at = target.writeInt32BE(partition, at)
    at = writeLength(target, at, batch.sizeBytes)
    at = writeRecordBatch(target, at, batch, timestampMs)
    target[at++] = NO_TAGS
  }
  return at
}

/** Lengths of compact types are unsigned varints, and one more than they say: 0 is null. */
function sizeOfLength(length: number): number {
  let size = 1
  for (let rest = length + 1; rest > 0x7f; rest >>>= 7) size++
  return size
}

function writeLength(target: Buffer, start: number, length: number): number {
  let at = start
  let rest = length + 1
  for (; rest > 0x7f; rest >>>= 7) target[at++] = (rest & 0x7f) | 0x80
  target[at++] = rest
  return at
}
