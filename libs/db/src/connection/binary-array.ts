/**
 * PostgreSQL's binary format of one-dimensional arrays. pg sends a Buffer as a binary parameter, so a batch of rows travels as a handful
 * of Buffers: no escaping, no hexadecimal, payload bytes copied once. The statement must cast each parameter to its array type.
 *
 * Source: array_recv() and the *recv() functions in PostgreSQL's src/backend/utils/adt.
 */
const OID = { bool: 16, bytea: 17, int8: 20, int4: 23, text: 25, float8: 701, timestamptz: 1184, uuid: 2950 } as const
const HEADER_BYTES = 20
const LENGTH_BYTES = 4
const NULL_LENGTH = -1
/** Milliseconds from 1970 to 2000, where PostgreSQL's time begins. */
const POSTGRES_EPOCH_MS = 946_684_800_000

/** How the values of one type are written. `write` returns how many bytes it wrote, as many as `sizeOf` has said. */
interface Layout<T> {
  readonly oid: number
  readonly sizeOf: (value: T) => number
  readonly write: (target: Buffer, value: T, offset: number) => number
}

function encode<T>(values: readonly (T | null)[], { oid, sizeOf, write }: Layout<T>): Buffer {
  if (values.length === 0) return encodeEmpty(oid)
  let size = HEADER_BYTES + LENGTH_BYTES * values.length
  let hasNull = 0
  for (const value of values) {
    if (value === null) hasNull = 1
    else size += sizeOf(value)
  }
  const target = Buffer.allocUnsafe(size)
  target.writeInt32BE(1, 0)
  target.writeInt32BE(hasNull, 4)
  target.writeInt32BE(oid, 8)
  target.writeInt32BE(values.length, 12)
  target.writeInt32BE(1, 16)
  let offset = HEADER_BYTES
  for (const value of values) {
    const length = value === null ? NULL_LENGTH : write(target, value, offset + LENGTH_BYTES)
    offset = target.writeInt32BE(length, offset)
    if (length > 0) offset += length
  }
  return target
}

function encodeEmpty(oid: number): Buffer {
  const target = Buffer.alloc(12)
  target.writeInt32BE(oid, 8)
  return target
}

const bytes: Layout<Buffer> = {
  oid: OID.bytea,
  sizeOf: (value) => value.length,
  write: (target, value, offset) => value.copy(target, offset),
}
const text: Layout<string> = {
  oid: OID.text,
  sizeOf: (value) => Buffer.byteLength(value),
  write: (target, value, offset) => target.write(value, offset),
}
const int8: Layout<number | bigint> = {
  oid: OID.int8,
  sizeOf: () => 8,
  write: (target, value, offset) => {
    if (typeof value === 'bigint') return target.writeBigInt64BE(value, offset) - offset
    target.writeInt32BE(Math.floor(value / 2 ** 32), offset)
    target.writeUInt32BE(value >>> 0, offset + 4)
    return 8
  },
}
const int4: Layout<number> = {
  oid: OID.int4,
  sizeOf: () => 4,
  write: (target, value, offset) => target.writeInt32BE(value, offset) - offset,
}
const float8: Layout<number> = {
  oid: OID.float8,
  sizeOf: () => 8,
  write: (target, value, offset) => target.writeDoubleBE(value, offset) - offset,
}
const bool: Layout<boolean> = {
  oid: OID.bool,
  sizeOf: () => 1,
  write: (target, value, offset) => target.writeUInt8(value ? 1 : 0, offset) - offset,
}
const uuid: Layout<string> = {
  oid: OID.uuid,
  sizeOf: () => 16,
  write: writeUuid,
}
const timestamp: Layout<number> = {
  oid: OID.timestamptz,
  sizeOf: () => 8,
  write: (target, value, offset) => target.writeBigInt64BE(BigInt(Math.round(value - POSTGRES_EPOCH_MS)) * 1000n, offset) - offset,
}

/** The value of each hexadecimal digit, by its character code. */
const HEX_DIGITS = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase())),
)
const HYPHEN = '-'.charCodeAt(0)

/** By hand: taking out the hyphens and decoding the rest costs ten times as much, and every task brings three of them. */
function writeUuid(target: Buffer, value: string, offset: number): number {
  let end = offset
  for (let index = 0; index < value.length; index += 2) {
    if (value.charCodeAt(index) === HYPHEN) index++
    target[end++] = (HEX_DIGITS[value.charCodeAt(index)]! << 4) | HEX_DIGITS[value.charCodeAt(index + 1)]!
  }
  return end - offset
}

/** Cast as `text[]`. The texts must not contain NUL. */
export function makeTextArray(values: readonly (string | null)[]): Buffer {
  return encode(values, text)
}

/** Cast as `bytea[]`. */
export function makeByteaArray(values: readonly (Buffer | null)[]): Buffer {
  return encode(values, bytes)
}

/** Cast as `bigint[]`. Numbers must be safe integers. */
export function makeBigintArray(values: readonly (number | bigint | null)[]): Buffer {
  return encode(values, int8)
}

/** Cast as `integer[]`. */
export function makeIntegerArray(values: readonly (number | null)[]): Buffer {
  return encode(values, int4)
}

/** Cast as `float8[]`. */
export function makeFloatArray(values: readonly (number | null)[]): Buffer {
  return encode(values, float8)
}

/** Cast as `boolean[]`. */
export function makeBooleanArray(values: readonly (boolean | null)[]): Buffer {
  return encode(values, bool)
}

/** Cast as `uuid[]`. */
export function makeUuidArray(values: readonly (string | null)[]): Buffer {
  return encode(values, uuid)
}

/** Cast as `timestamptz[]`; the values are milliseconds since 1970. */
export function makeTimestampArray(values: readonly (number | null)[]): Buffer {
  return encode(values, timestamp)
}
