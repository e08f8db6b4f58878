import { compressionsAlgorithms } from '@platformatic/kafka'
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { unpackRecords } from './unpack-records.js'

const CODECS = [
  ['gzip', 1],
  ['snappy', 2],
  ['lz4', 3],
  ['zstd', 4],
] as const
const SAMPLES = [
  ['two bytes', Buffer.from('xy')],
  ['zeros', Buffer.alloc(300_000)],
  ['noise', randomBytes(200_000)],
  ['text', Buffer.from(Array.from({ length: 20_000 }, (_, index) => `line ${index * 7919}\n`).join(''))],
  ['text and noise', Buffer.concat([Buffer.alloc(100_000, 'abcdefgh'), randomBytes(70_000), Buffer.alloc(70, 'q')])],
] as const

describe(unpackRecords.name, () => {
  describe.each(CODECS)('%s', (name, codec) => {
    it.each(SAMPLES)('unpacks %s into as many bytes as it may have, and not into one less', (_, bytes) => {
      const packed = Buffer.from(compressionsAlgorithms[name].compressSync(bytes))
      expect(unpackRecords(codec, packed, bytes.length)?.equals(bytes)).toBe(true)
      expect(unpackRecords(codec, packed, bytes.length - 1)).toBeUndefined()
    })
  })

  it('adds up the chunks of Snappy in the framing of Java clients', () => {
    const chunk = Buffer.from(compressionsAlgorithms.snappy.compressSync(Buffer.alloc(1_000)))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(chunk.length)
    const packed = Buffer.concat([Buffer.from('82534e4150505900', 'hex'), Buffer.alloc(8), length, chunk, length, chunk])
    expect(unpackRecords(2, packed, 2_000)).toEqual(Buffer.alloc(2_000))
    expect(unpackRecords(2, packed, 1_999)).toBeUndefined()
  })

  it('refuses a codec that it does not know, and data that is not what its codec makes', () => {
    expect(() => unpackRecords(5, Buffer.from('x'), 10)).toThrow('unknown codec (5)')
    expect(() => unpackRecords(1, Buffer.from('not gzip'), 10)).toThrow('incorrect header check')
  })
})
