const SEED = 0x9747b28c
const MULTIPLIER = 0x5bd1e995
const ROTATION = 24

/**
 * The hash by which the Java client places keys (`Utils.murmur2`), as a signed number of 32 bits. The library's own is exact too, but
 * takes dozens of BigInts for a key.
 */
export function murmur2(key: Uint8Array): number {
  const { length } = key
  const tail = length & ~3
  let hash = SEED ^ length
  for (let at = 0; at < tail; at += 4) {
    let word = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24)
    word = Math.imul(word, MULTIPLIER)
    word ^= word >>> ROTATION
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER)
  }
  if (tail < length) {
    for (let at = length - 1; at >= tail; at--) hash ^= key[at]! << ((at - tail) << 3)
    hash = Math.imul(hash, MULTIPLIER)
  }
  hash ^= hash >>> 13
  hash = Math.imul(hash, MULTIPLIER)
  return hash ^ (hash >>> 15)
}
