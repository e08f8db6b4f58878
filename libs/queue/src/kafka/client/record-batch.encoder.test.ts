import { compressionsAlgorithms, crc32c, createRecordsBatch, Reader, readRecordsBatch, type RecordsBatch } from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ProducedRecord } from '../kafka-client.port.js'
import { encodeRecords, makeRecordBatch, writeRecordBatch, type RecordBatch } from './record-batch.encoder.js'

const NOW_MS = 1_790_000_000_123
/** What the CRC covers, and where the part begins that the library and we write alike. */
const ATTRIBUTES_AT = 21
const PRODUCER_EPOCH_AT = 51
const COUNT_AT = 57

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
/** Around each length at which a varint takes one byte more, and beyond 64 KiB. */
const edges = fc.constantFrom(0, 1, 15, 16, 17, 63, 64, 65, 8_191, 8_192, 65_535, 65_536, 70_001).map((length) => Buffer.alloc(length, 7))
const headers = fc.array(fc.tuple(bytes(40), fc.oneof(bytes(100), edges)), { maxLength: 70 }).map((all) => all.flat())
const record: fc.Arbitrary<ProducedRecord> = fc.record({
  topic: fc.constant('results'),
  key: fc.option(fc.oneof(bytes(80), edges)),
  value: fc.oneof(bytes(300), edges),
  headers: fc.oneof({ weight: 9, arbitrary: headers.map((all) => all.slice(0, 16)) }, { weight: 1, arbitrary: headers }),
})
const records = fc.array(record, { minLength: 1, maxLength: 70 })

function write(batch: RecordBatch, start = 0): Buffer {
  const target = Buffer.alloc(start + batch.sizeBytes)
  expect(writeRecordBatch(target, start, batch, NOW_MS)).toBe(target.length)
  return target.subarray(start)
}

function pairs(all: readonly Buffer[]): [Buffer, Buffer][] {
  return Array.from({ length: all.length / 2 }, (_, index) => [all[2 * index]!, all[2 * index + 1]!])
}

/** As texts: they are compared a thousand times faster than Buffers. */
function asTexts(parts: readonly (Buffer | null)[]): (string | null)[] {
  return parts.map((part) => part?.toString('latin1') ?? null)
}

function textsOf({ key, value, headers: flat }: ProducedRecord): (string | null)[] {
  return asTexts([key, value, ...flat])
}

/** What the library reads. */
function read({ records: found }: RecordsBatch): (string | null)[][] {
  return found.map(({ key, value, headers: flat }) => asTexts([key, value, ...[...flat].flat()]))
}

function asMessage({ topic, key, value, headers: flat }: ProducedRecord) {
  return { topic, value, partition: 0, timestamp: BigInt(NOW_MS), headers: new Map(pairs(flat)), ...(key && { key }) }
}

describe(writeRecordBatch.name, () => {
  it('writes what the library reads as the same records', () => {
    fc.assert(
      fc.property(records, fc.nat(9), (given, start) => {
        const written = write(makeRecordBatch(given), start)
        const batch = readRecordsBatch(Reader.from(written))
        expect(read(batch)).toEqual(given.map(textsOf))
        expect(batch.records.map(({ offsetDelta }) => offsetDelta)).toEqual(given.map((_, index) => index))
        expect(batch).toMatchObject({
          magic: 2,
          length: written.length - 12,
          attributes: 0,
          lastOffsetDelta: given.length - 1,
          firstTimestamp: BigInt(NOW_MS),
          maxTimestamp: BigInt(NOW_MS),
          producerId: -1n,
          crc: crc32c(written.subarray(ATTRIBUTES_AT)),
        })
      }),
      { numRuns: 60 },
    )
  })

  it('writes the bytes that the library writes, but for the sequence that nobody reads', () => {
    fc.assert(
      fc.property(records, (given) => {
        const expected = createRecordsBatch(given.map(asMessage)).buffer
        const written = write(makeRecordBatch(given))
        expect(written.subarray(COUNT_AT).equals(expected.subarray(COUNT_AT))).toBe(true)
        expect(written.subarray(ATTRIBUTES_AT, PRODUCER_EPOCH_AT).equals(expected.subarray(ATTRIBUTES_AT, PRODUCER_EPOCH_AT))).toBe(true)
        expect(written).toHaveLength(expected.length)
      }),
      { numRuns: 60 },
    )
  })

  it('writes many records, whose offsets take two bytes and three', () => {
    const given = Array.from({ length: 10_000 }, (_, index) => ({
      topic: 'results',
      key: null,
      value: Buffer.from(`${index}`),
      headers: [],
    }))
    expect(read(readRecordsBatch(Reader.from(write(makeRecordBatch(given)))))).toEqual(given.map(textsOf))
  })

  it('writes a tombstone as null, not as nothing', () => {
    const tombstone = { topic: 'results', key: Buffer.from('k'), value: null as unknown as Buffer, headers: [] }
    expect(readRecordsBatch(Reader.from(write(makeRecordBatch([tombstone])))).records[0]!.value).toBeNull()
  })

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('writes records that are compressed with %s', (name) => {
    const codec = compressionsAlgorithms[name]
    const given = Array.from({ length: 100 }, (_, index) => ({
      topic: 'results',
      key: Buffer.from(`${index}`),
      value: Buffer.alloc(900, `${index}`),
      headers: [Buffer.from('name'), Buffer.from('value')],
    }))
    const compressed = { bytes: codec.compressSync(encodeRecords(given)), codec: codec.bitmask }
    const written = write(makeRecordBatch(given, compressed))
    expect(written.length).toBeLessThan(50_000)
    expect(read(readRecordsBatch(Reader.from(written)))).toEqual(given.map(textsOf))
  })
})
