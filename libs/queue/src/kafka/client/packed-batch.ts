import { hash } from 'node:crypto'
import { Reader, readRecord } from '@platformatic/kafka'
import { unpackRecords } from './unpack-records.js'

const CODEC = 0b111
const HEAD_BYTES = 12
const RECORDS_AT = 61
/** What the objects of a record take, roughly: ten million empty ones are a small batch. */
const RECORD_OVERHEAD_BYTES = 256

export type BatchRecord = ReturnType<typeof readRecord>

/** A batch as the broker sent it: its head is read, its records are not, until somebody says how large they may be. */
export class PackedBatch {
  readonly firstOffset: bigint
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly firstTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly producerId: bigint
  readonly recordCount: number
  private readonly packed: Buffer

  /** `bytes` begins with the batch, and holds all of it. */
  constructor(bytes: Buffer) {
    this.firstOffset = bytes.readBigInt64BE(0)
    this.attributes = bytes.readInt16BE(21)
    this.lastOffsetDelta = bytes.readInt32BE(23)
    this.firstTimestamp = bytes.readBigInt64BE(27)
    this.maxTimestamp = bytes.readBigInt64BE(35)
    this.producerId = bytes.readBigInt64BE(43)
    this.recordCount = bytes.readInt32BE(57)
    this.packed = bytes.subarray(RECORDS_AT)
  }

  /** All of them, whatever they take: for the batches of a broker itself, which are small and never compressed. */
  get records(): readonly BatchRecord[] {
    return this.unpack(Number.MAX_SAFE_INTEGER)!
  }

  get packedBytes(): number {
    return this.packed.length
  }

  hashPacked(): string {
    return hash('sha256', this.packed)
  }

  /** undefined: they would take more than `maxBytes`. */
  unpack(maxBytes: number): readonly BatchRecord[] | undefined {
    const room = maxBytes - this.recordCount * RECORD_OVERHEAD_BYTES
    if (room <= 0) return undefined
    const codec = this.attributes & CODEC
    const bytes = codec === 0 ? this.packed : unpackRecords(codec, this.packed, room)
    if (bytes === undefined) return undefined
    const reader = Reader.from(bytes)
    return Array.from({ length: this.recordCount }, () => readRecord(reader))
  }
}

/** The last one may have been cut off by the limit of the fetch: it comes again. */
export function readBatches(bytes: Buffer): PackedBatch[] {
  const batches: PackedBatch[] = []
  let at = 0
  while (at + HEAD_BYTES <= bytes.length) {
    const end = at + HEAD_BYTES + bytes.readInt32BE(at + 8)
    if (end > bytes.length) break
    batches.push(new PackedBatch(bytes.subarray(at, end)))
    at = end
  }
  return batches
}
