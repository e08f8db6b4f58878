import type { RecordPosition, UnreadRecords } from '#libs/kernel'
import type { FetchedPartition, FetchedRecord } from '../kafka-client.port.js'
import type { PackedBatch } from './packed-batch.js'
import type { PackedPartition } from './packed-fetch.api.js'
import { KafkaDelivery } from './kafka-delivery.js'

export interface UnpackLimits {
  /** Of one batch, with what its records take in memory: a larger one is one record that says so. */
  readonly batchBytes: number
  /** Of all batches: the first one over it is the last, the others are left to the next fetch. */
  readonly answerBytes: number
}

type PartitionAnswer = Pick<PackedPartition, 'records' | 'abortedTransactions'>

/** https://kafka.apache.org/documentation/#recordbatch */
const IS_TRANSACTIONAL = 1 << 4
const IS_CONTROL = 1 << 5
const HAS_LOG_APPEND_TIME = 1 << 3
const CONTROL_ABORT = 0

/** Turns the answer for one partition into records; whole batches come, so those below the position are left out. */
export function readFetched(
  answer: PartitionAnswer,
  position: RecordPosition,
  topicId: string,
  limits: UnpackLimits,
): Extract<FetchedPartition, { kind: 'records' }> {
  const { topic, partition, offset } = position
  const records: FetchedRecord[] = []
  const aborted = new AbortedProducers(answer.abortedTransactions ?? [])
  let nextOffset = offset
  let room = limits.answerBytes
  for (const batch of answer.records ?? []) {
    if (room <= 0) break
    const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
    if (end > nextOffset) nextOffset = end
    if (aborted.covers(batch) || end <= offset) continue
    const before = records.length
    readBatch(batch, position, limits.batchBytes, records)
    for (let index = before; index < records.length; index++) room -= records[index]!.sizeBytes
  }
  return { kind: 'records', topic, partition, records, nextOffset, topicId }
}

function readBatch(batch: PackedBatch, { topic, partition, offset: from }: RecordPosition, maxBytes: number, into: FetchedRecord[]): void {
  const base = batch.firstOffset
  const firstTimestamp = Number(batch.firstTimestamp)
  const appendTime = (batch.attributes & HAS_LOG_APPEND_TIME) === 0 ? null : Number(batch.maxTimestamp)
  const unpacked = batch.unpack(maxBytes)
  if (unpacked === undefined) {
    const first = base < from ? from : base
    into.push(new KafkaDelivery(topic, partition, first, null, null, Number(batch.maxTimestamp), [], makeUnread(batch, maxBytes)))
    return
  }
  for (const record of unpacked) {
    const offset = base + BigInt(record.offsetDelta)
    if (offset < from) continue
    const timestampMs = appendTime ?? firstTimestamp + Number(record.timestampDelta)
    into.push(new KafkaDelivery(topic, partition, offset, record.key, record.value, timestampMs, record.headers))
  }
}

function makeUnread(batch: PackedBatch, maxBytes: number): UnreadRecords {
  const { firstOffset, lastOffsetDelta, recordCount: count, packedBytes: sizeBytes } = batch
  const lastOffset = firstOffset + BigInt(lastOffsetDelta)
  return { firstOffset, lastOffset, count, sizeBytes, sha256: batch.hashPacked(), maxBytes }
}

/** Leaves out control batches and the records of aborted transactions, as KIP-98 asks of a read_committed consumer. */
class AbortedProducers {
  private readonly open = new Set<bigint>()
  private readonly pending: { readonly producerId: bigint; readonly firstOffset: bigint }[]

  constructor(transactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[]) {
    this.pending = transactions.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  }

  covers(batch: PackedBatch): boolean {
    while (this.pending.length > 0 && this.pending[0]!.firstOffset <= batch.firstOffset) this.open.add(this.pending.shift()!.producerId)
    if ((batch.attributes & IS_CONTROL) !== 0) {
      const key = batch.records[0]?.key
      if (key && key.readInt16BE(2) === CONTROL_ABORT) this.open.delete(batch.producerId)
      return true
    }
    return (batch.attributes & IS_TRANSACTIONAL) !== 0 && this.open.has(batch.producerId)
  }
}
