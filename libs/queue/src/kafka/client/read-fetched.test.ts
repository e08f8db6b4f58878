import { describe, expect, it, vi } from 'vitest'
import type { PackedBatch } from './packed-batch.js'
import { readFetched } from './read-fetched.js'

type PartitionAnswer = Parameters<typeof readFetched>[0]
type BatchRecord = { key: Buffer | null; value: Buffer | null }
type Batch = PackedBatch & { records: BatchRecord[] }

const [TRANSACTIONAL, CONTROL, LOG_APPEND_TIME] = [1 << 4, 1 << 5, 1 << 3]

function makeBatch(firstOffset: number, count: number, change: Partial<Batch> = {}): Batch {
  const records = Array.from({ length: count }, (_, offsetDelta) => ({
    length: 0,
    attributes: 0,
    timestampDelta: BigInt(offsetDelta),
    offsetDelta,
    key: Buffer.from('key'),
    value: Buffer.from(`value ${firstOffset + offsetDelta}`),
    headers: [],
  }))
  const times = { firstTimestamp: 1_000n, maxTimestamp: 5_000n }
  return {
    firstOffset: BigInt(firstOffset),
    lastOffsetDelta: count - 1,
    attributes: 0,
    producerId: 7n,
    ...times,
    records,
    unpack: () => records,
    ...change,
  } as unknown as Batch
}

/** A control batch: its key carries a version and whether the transaction was aborted (0) or committed (1). */
function makeMarker(offset: number, type: 0 | 1): Batch {
  const batch = makeBatch(offset, 1, { attributes: CONTROL | TRANSACTIONAL })
  batch.records[0]!.key = Buffer.from([0, 0, 0, type])
  return batch
}

function read(
  records: Batch[] | null,
  { from = 0, abortedTransactions = [] as PartitionAnswer['abortedTransactions'], answerBytes = 100_000 } = {},
) {
  const answer = { partitionIndex: 3, errorCode: 0, records, abortedTransactions } as unknown as PartitionAnswer
  return readFetched(answer, { topic: 'tasks', partition: 3, offset: BigInt(from) }, 'first', { batchBytes: 1_000, answerBytes })
}

const offsetsOf = (fetched: ReturnType<typeof read>) => fetched.records.map(({ offset }) => Number(offset))

describe(readFetched.name, () => {
  it('gives records with their place, time and bytes', () => {
    const { records, nextOffset } = read([makeBatch(10, 2)], { from: 10 })
    expect(records[1]).toMatchObject({ topic: 'tasks', partition: 3, offset: 11n, timestampMs: 1_001 })
    expect(records[1]!.value).toEqual(Buffer.from('value 11'))
    expect(nextOffset).toBe(12n)
  })

  it('leaves out what lies below the position, since whole batches come', () => {
    const fetched = read([makeBatch(0, 5), makeBatch(5, 2)], { from: 3 })
    expect(offsetsOf(fetched)).toEqual([3, 4, 5, 6])
  })

  it('takes the time of the broker where the topic says so', () => {
    expect(read([makeBatch(0, 2, { attributes: LOG_APPEND_TIME })]).records.map(({ timestampMs }) => timestampMs)).toEqual([5_000, 5_000])
  })

  it('goes on behind gaps and empty answers', () => {
    expect(read([makeBatch(0, 1, { lastOffsetDelta: 9 })]).nextOffset).toBe(10n)
    expect(read(null, { from: 4 }).nextOffset).toBe(4n)
  })

  it('passes a tombstone through', () => {
    const batch = makeBatch(0, 1)
    batch.records[0]!.value = null
    batch.records[0]!.key = null
    expect(read([batch]).records[0]).toMatchObject({ key: null, value: null, sizeBytes: 64 })
  })

  it('leaves out aborted transactions and all markers, and goes on behind them', () => {
    const fetched = read(
      [
        makeBatch(0, 2, { attributes: TRANSACTIONAL }),
        makeBatch(2, 1),
        makeMarker(3, 0),
        makeBatch(4, 1, { attributes: TRANSACTIONAL }),
        makeMarker(5, 1),
      ],
      { abortedTransactions: [{ producerId: 7n, firstOffset: 0n }] },
    )
    expect(offsetsOf(fetched)).toEqual([2, 4])
    expect(fetched.nextOffset).toBe(6n)
  })

  it('leaves out an aborted transaction whose marker has not come yet', () => {
    const fetched = read([makeBatch(0, 2, { attributes: TRANSACTIONAL }), makeBatch(2, 1, { attributes: TRANSACTIONAL, producerId: 8n })], {
      abortedTransactions: [{ producerId: 7n, firstOffset: 0n }],
    })
    expect(offsetsOf(fetched)).toEqual([2])
  })
  it('leaves the batches that have no room any more to the next fetch, but for the first', () => {
    const batches = [makeBatch(0, 2), makeBatch(2, 2), makeBatch(4, 2)]
    expect(read(batches, { answerBytes: 1 })).toMatchObject({ nextOffset: 2n, records: [{ offset: 0n }, { offset: 1n }] })
    expect(read(batches, { from: 3, answerBytes: 1 })).toMatchObject({ nextOffset: 4n, records: [{ offset: 3n }] })
  })

  it('makes one record of a batch that is too large when unpacked, and goes on behind it', () => {
    const unpack = vi.fn<(maxBytes: number) => undefined>()
    const batch = makeBatch(0, 5, { unpack, recordCount: 5, packedBytes: 77, hashPacked: () => 'abc' })
    const { records, nextOffset } = read([batch, makeBatch(5, 1)], { from: 2 })
    expect(nextOffset).toBe(6n)
    const unread = { firstOffset: 0n, lastOffset: 4n, count: 5, sizeBytes: 77, sha256: 'abc', maxBytes: 1_000 }
    expect(records).toMatchObject([{ offset: 2n, key: null, value: null, unread }, { offset: 5n }])
    expect(unpack).toHaveBeenCalledWith(1_000)
  })
})
