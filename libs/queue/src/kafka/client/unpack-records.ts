import { compressionsAlgorithms } from '@platformatic/kafka'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { measureLz4, measureSnappy } from './measure-packed.js'

/** https://kafka.apache.org/documentation/#recordbatch */
const [GZIP, SNAPPY, LZ4, ZSTD] = [1, 2, 3, 4]

/**
 * The records of a batch as they were before compression; undefined where they have more than `maxBytes`: 32 KiB of zstd can be 1 GiB, and
 * the broker's limits are on what is compressed. The library's own functions know no limit.
 */
export function unpackRecords(codec: number, packed: Buffer, maxBytes: number): Buffer | undefined {
  switch (codec) {
    case GZIP:
      return withinLimit(() => gunzipSync(packed, { maxOutputLength: maxBytes }))
    case ZSTD:
      return withinLimit(() => zstdDecompressSync(packed, { maxOutputLength: maxBytes }))
    case SNAPPY:
      return measureSnappy(packed) > maxBytes ? undefined : compressionsAlgorithms.snappy.decompressSync(packed)
    case LZ4:
      return measureLz4(packed) > maxBytes ? undefined : compressionsAlgorithms.lz4.decompressSync(packed)
    default:
      throw new Error(`the records are compressed with an unknown codec (${codec})`)
  }
}

function withinLimit(unpack: () => Buffer): Buffer | undefined {
  try {
    return unpack()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw error
  }
}
