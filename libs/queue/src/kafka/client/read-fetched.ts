import type { fetchV17 } from '@platformatic/kafka'
import type { RecordPosition } from '#libs/kernel'
import type { FetchedPartition, FetchedRecord } from '../kafka-client.port.js'
import { KafkaDelivery } from './kafka-delivery.js'

type PartitionAnswer = fetchV17.FetchResponsePartition
type RecordBatch = NonNullable<PartitionAnswer['records']>[number]

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
): Extract<FetchedPartition, { kind: 'records' }> {
  const { topic, partition, offset } = position
  const records: FetchedRecord[] = []
  const aborted = new AbortedProducers(answer.abortedTransactions ?? [])
  let nextOffset = offset
  for (const batch of answer.records ?? []) {
    const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
    if (end > nextOffset) nextOffset = end
    if (!aborted.covers(batch)) readBatch(batch, position, records)
  }
  return { kind: 'records', topic, partition, records, nextOffset, topicId }
}

function readBatch(batch: RecordBatch, { topic, partition, offset: from }: RecordPosition, into: FetchedRecord[]): void {
  const base = batch.firstOffset
  const firstTimestamp = Number(batch.firstTimestamp)
  const appendTime = (batch.attributes & HAS_LOG_APPEND_TIME) === 0 ? null : Number(batch.maxTimestamp)
  for (const record of batch.records) {
    const offset = base + BigInt(record.offsetDelta)
    if (offset < from) continue
    const timestampMs = appendTime ?? firstTimestamp + Number(record.timestampDelta)
    into.push(new KafkaDelivery(topic, partition, offset, record.key, record.value, timestampMs, record.headers))
  }
}

/** Leaves out control batches and the records of aborted transactions, as KIP-98 asks of a read_committed consumer. */
class AbortedProducers {
  private readonly open = new Set<bigint>()
  private readonly pending: { readonly producerId: bigint; readonly firstOffset: bigint }[]

  constructor(transactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[]) {
    this.pending = transactions.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  }

  covers(batch: RecordBatch): boolean {
    while (this.pending.length > 0 && this.pending[0]!.firstOffset <= batch.firstOffset) this.open.add(this.pending.shift()!.producerId)
    if ((batch.attributes & IS_CONTROL) !== 0) {
      const key = batch.records[0]?.key
      if (key && key.readInt16BE(2) === CONTROL_ABORT) this.open.delete(batch.producerId)
      return true
    }
    return (batch.attributes & IS_TRANSACTIONAL) !== 0 && this.open.has(batch.producerId)
  }
}
