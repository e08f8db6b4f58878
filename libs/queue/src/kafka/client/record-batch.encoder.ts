import { crc32c, Writer } from '@platformatic/kafka'
import type { ProducedRecord } from '../kafka-client.port.js'

/** Where the fields of a batch begin: https://kafka.apache.org/documentation/#recordbatch */
const LENGTH_AT = 8
const LEADER_EPOCH_AT = 12
const MAGIC_AT = 16
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const LAST_OFFSET_DELTA_AT = 23
const BASE_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const PRODUCER_ID_AT = 43
const PRODUCER_EPOCH_AT = 51
const BASE_SEQUENCE_AT = 53
const COUNT_AT = 57
const RECORDS_AT = 61

const MAGIC = 2
/** Neither idempotent nor transactional. */
const NO_PRODUCER_ID = -1n
const NO_PRODUCER_EPOCH = -1
const NO_SEQUENCE = -1
/** A broker ignores what a producer says here. */
const NO_LEADER_EPOCH = -1
/** -1 as a zigzag varint: the length of what is null. */
const NULL_LENGTH = 1
/** Attributes and timestamp delta of a record, one byte each: all records of a batch have its timestamp. */
const RECORD_HEAD_BYTES = 2
/** Up to here a loop is faster than the call of a copy. */
const SMALL_BYTES = 16

export interface CompressedRecords {
  readonly bytes: Buffer
  /** The number of the codec, as it stands in the attributes of the batch. */
  readonly codec: number
}

/** The records of one partition in one request; `compressed` is missing where they go out as they are. */
export interface RecordBatch {
  readonly records: readonly ProducedRecord[]
  readonly compressed?: CompressedRecords
  readonly sizeBytes: number
}

export function makeRecordBatch(records: readonly ProducedRecord[], compressed?: CompressedRecords): RecordBatch {
  if (compressed === undefined) return { records, sizeBytes: RECORDS_AT + sizeOfRecords(records) }
  return { records, compressed, sizeBytes: RECORDS_AT + compressed.bytes.length }
}

/** Without the head of their batch: what a codec compresses. */
export function encodeRecords(records: readonly ProducedRecord[]): Buffer {
  const target = Buffer.allocUnsafe(sizeOfRecords(records))
  writeRecords(target, 0, records)
  return target
}

/**
 * Writes the `sizeBytes` of the batch and says where they end. One pass over memory that is there already, and no object for a record:
 * the library's `createRecordsBatch` makes some 12 KB of garbage for each (docs/adr/0007).
 */
export function writeRecordBatch(target: Buffer, start: number, batch: RecordBatch, timestampMs: number): number {
  const { records, compressed, sizeBytes } = batch
  const end = start + sizeBytes
  if (compressed === undefined) writeRecords(target, start + RECORDS_AT, records)
  else target.set(compressed.bytes, start + RECORDS_AT)
  const timestamp = BigInt(timestampMs)
  target.writeBigInt64BE(0n, start)
  target.writeInt32BE(sizeBytes - LEADER_EPOCH_AT, start + LENGTH_AT)
  target.writeInt32BE(NO_LEADER_EPOCH, start + LEADER_EPOCH_AT)
  target[start + MAGIC_AT] = MAGIC
  target.writeInt16BE(compressed?.codec ?? 0, start + ATTRIBUTES_AT)
  target.writeInt32BE(records.length - 1, start + LAST_OFFSET_DELTA_AT)
  target.writeBigInt64BE(timestamp, start + BASE_TIMESTAMP_AT)
  target.writeBigInt64BE(timestamp, start + MAX_TIMESTAMP_AT)
  target.writeBigInt64BE(NO_PRODUCER_ID, start + PRODUCER_ID_AT)
  target.writeInt16BE(NO_PRODUCER_EPOCH, start + PRODUCER_EPOCH_AT)
  target.writeInt32BE(NO_SEQUENCE, start + BASE_SEQUENCE_AT)
  target.writeInt32BE(records.length, start + COUNT_AT)
  target.writeUInt32BE(checksum(target.subarray(start + ATTRIBUTES_AT, end)), start + CRC_AT)
  return end
}

/** The library's native checksum copies a plain Buffer before it reads it, but not what is inside of a Writer. */
function checksum(bytes: Buffer): number {
  return crc32c(Writer.create().append(bytes).dynamicBuffer)
}

function sizeOfRecords(records: readonly ProducedRecord[]): number {
  let size = 0
  for (let index = 0; index < records.length; index++) {
    const body = sizeOfRecord(records[index]!, index)
    size += sizeOfVarInt(body) + body
  }
  return size
}

function writeRecords(target: Buffer, start: number, records: readonly ProducedRecord[]): void {
  let at = start
  for (let index = 0; index < records.length; index++) at = writeRecord(target, at, records[index]!, index)
}

/** Without the length that stands before it. */
function sizeOfRecord({ key, value, headers }: ProducedRecord, index: number): number {
  let size = RECORD_HEAD_BYTES + sizeOfVarInt(index) + sizeOfBytes(key) + sizeOfBytes(value) + sizeOfVarInt(headers.length >> 1)
  for (const header of headers) size += sizeOfBytes(header)
  return size
}

function writeRecord(target: Buffer, start: number, record: ProducedRecord, index: number): number {
  const { key, value, headers } = record
  let at = writeVarInt(target, start, sizeOfRecord(record, index))
  target[at++] = 0
  target[at++] = 0
  at = writeVarInt(target, at, index)
  at = writeBytes(target, at, key)
  at = writeBytes(target, at, value)
  at = writeVarInt(target, at, headers.length >> 1)
  for (const header of headers) at = writeBytes(target, at, header)
  return at
}

function sizeOfBytes(bytes: Buffer | null): number {
  return bytes === null ? 1 : sizeOfVarInt(bytes.length) + bytes.length
}

function writeBytes(target: Buffer, start: number, bytes: Buffer | null): number {
  if (bytes === null) {
    target[start] = NULL_LENGTH
    return start + 1
  }
  const { length } = bytes
  const at = writeVarInt(target, start, length)
  if (length > SMALL_BYTES) target.set(bytes, at)
  else for (let index = 0; index < length; index++) target[at + index] = bytes[index]!
  return at + length
}

/** Of lengths and counts, which are never negative: in zigzag, seven bits to a byte, that leaves six for the first. */
function sizeOfVarInt(value: number): number {
  if (value < 1 << 6) return 1
  if (value < 1 << 13) return 2
  if (value < 1 << 20) return 3
  return value < 1 << 27 ? 4 : 5
}

function writeVarInt(target: Buffer, start: number, value: number): number {
  let at = start
  // Unsigned: the longest value takes all of the 32 bits.
  let rest = (value << 1) >>> 0
  while (rest > 0x7f) {
    target[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[at++] = rest
  return at
}
