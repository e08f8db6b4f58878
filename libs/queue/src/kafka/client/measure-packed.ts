const XERIAL_HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

/** What Snappy data is unpacked, by what its head says: Snappy refuses data that does not fit its head. */
export function measureSnappy(packed: Buffer): number {
  if (!packed.subarray(0, XERIAL_HEADER.length).equals(XERIAL_HEADER)) return readVarint(packed)
  let bytes = 0
  for (let at = XERIAL_HEADER_BYTES; at + 4 < packed.length; at += 4 + packed.readUInt32BE(at)) bytes += readVarint(packed.subarray(at + 4))
  return bytes
}

function readVarint(packed: Buffer): number {
  let value = 0
  for (let index = 0; index < 5; index++) {
    const byte = packed.readUInt8(index)
    value += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return value
  }
  throw new Error('the head of Snappy data has no length')
}

/** https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md: the size of the content is optional there, and nobody need believe it. */
export function measureLz4(packed: Buffer): number {
  const flags = packed.readUInt8(4)
  const [hasBlockChecksum, hasContentSize, hasDictionary] = [(flags & 0x10) !== 0, (flags & 0x08) !== 0, (flags & 0x01) !== 0]
  let at = 7 + (hasContentSize ? 8 : 0) + (hasDictionary ? 4 : 0)
  let bytes = 0
  while (at + 4 <= packed.length) {
    const head = packed.readUInt32LE(at)
    const size = head & 0x7fffffff
    at += 4
    if (size === 0) break
    const isPlain = head >= 0x80000000
    bytes += isPlain ? size : measureLz4Block(packed.subarray(at, at + size))
    at += size + (hasBlockChecksum ? 4 : 0)
  }
  return bytes
}

/** https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md: lengths alone, nothing is copied. */
function measureLz4Block(block: Buffer): number {
  let [at, bytes] = [0, 0]
  const readLength = (nibble: number): number => {
    let length = nibble
    for (let byte = nibble === 15 ? 255 : 0; byte === 255;) {
      byte = block[at++] ?? 0
      length += byte
    }
    return length
  }
  while (at < block.length) {
    const token = block[at++]!
    const literals = readLength(token >> 4)
    bytes += literals
    at += literals + 2
    // The last sequence has literals only.
    if (at - 2 < block.length) bytes += readLength(token & 15) + 4
  }
  return bytes
}
