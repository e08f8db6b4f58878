import { ProduceAcks, produceV11, Reader, readRecordsBatch } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import type { ProducedRecord } from '../kafka-client.port.js'
import { encodeProduceRequest, type PartitionBatch } from './produce-request.encoder.js'
import { makeRecordBatch } from './record-batch.encoder.js'

const NOW_MS = 1_790_000_000_123
const TIMES = { timeoutMs: 4_000, timestampMs: NOW_MS }

function makeRecords(topic: string, count: number): ProducedRecord[] {
  const headers = [Buffer.from('event-id'), Buffer.from('1')]
  return Array.from({ length: count }, (_, index) => ({ topic, key: Buffer.from(`k${index}`), value: Buffer.alloc(300, 'v'), headers }))
}

function makePart(topic: string, partition: number, count = 1): PartitionBatch {
  return { topic, partition, batch: makeRecordBatch(makeRecords(topic, count)) }
}

/** The library's own request for the same. */
function oracle(parts: readonly PartitionBatch[]): Buffer {
  const messages = parts.flatMap(({ topic, partition, batch }) =>
    batch.records.map(({ key, value }) => ({
      topic,
      partition,
      key: key!,
      value,
      headers: new Map([[Buffer.from('event-id'), Buffer.from('1')]]),
      timestamp: BigInt(NOW_MS),
    })),
  )
  return produceV11.createRequest(ProduceAcks.ALL, TIMES.timeoutMs, messages).buffer
}

/** Epochs, sequence and with them the checksum are other values than the library's; a batch has them in its first 57 bytes. */
function withoutHeads(request: Buffer, parts: readonly PartitionBatch[]): Buffer {
  const copy = Buffer.from(request)
  let at = 0
  for (const { batch } of parts) {
    const length = Buffer.alloc(12)
    length.writeInt32BE(batch.sizeBytes - 12, 8)
    at = copy.indexOf(length, at)
    expect(at).toBeGreaterThan(0)
    copy.fill(0, at + 12, at + 57)
    at += batch.sizeBytes
  }
  return copy
}

describe(encodeProduceRequest.name, () => {
  it.each([
    ['one record', [makePart('results', 0)]],
    ['many records', [makePart('results', 3, 1_000)]],
    [
      'several topics and partitions',
      [makePart('results', 0), makePart('results', 11, 60), makePart('dead-letters', 2, 3), makePart('ä'.repeat(90), 1)],
    ],
    ['very many partitions', Array.from({ length: 300 }, (_, partition) => makePart('results', partition))],
  ])('lays out %s as the library does', (_, parts) => {
    const request = encodeProduceRequest(parts, TIMES)
    const expected = oracle(parts)
    expect(request).toHaveLength(expected.length)
    expect(withoutHeads(request, parts).equals(withoutHeads(expected, parts))).toBe(true)
  })

  it('groups partitions by their topics, whatever their order', () => {
    const parts = [makePart('a', 0), makePart('b', 0), makePart('a', 1)]
    const reader = Reader.from(encodeProduceRequest(parts, TIMES))
    expect([reader.readNullableString(), reader.readInt16(), reader.readInt32()]).toEqual([null, -1, 4_000])
    const topics = reader.readArray((topic) => ({
      name: topic.readString(),
      partitions: topic.readArray((partition) => {
        const index = partition.readInt32()
        partition.readUnsignedVarInt()
        return [index, readRecordsBatch(partition).records.length]
      }),
    }))
    expect(topics).toEqual([
      {
        name: 'a',
        partitions: [
          [0, 1],
          [1, 1],
        ],
      },
      { name: 'b', partitions: [[0, 1]] },
    ])
  })
})
