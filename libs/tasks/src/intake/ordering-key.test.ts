import { describe, expect, it } from 'vitest'
import { makeOrderingKey } from './ordering-key.js'

const hex = (...args: Parameters<typeof makeOrderingKey>) => makeOrderingKey(...args).toString('hex')

describe(makeOrderingKey.name, () => {
  it('is the same 16 bytes for the same topic, partition and key', () => {
    expect(hex('t', 1, Buffer.from('k'))).toBe(hex('t', 1, Buffer.from('k')))
    expect(makeOrderingKey('t', 1, Buffer.alloc(0))).toHaveLength(16)
  })

  it('differs by topic, partition and key, also where they only look alike together', () => {
    const keys = [
      hex('t', 1, Buffer.from('k')),
      hex('u', 1, Buffer.from('k')),
      hex('t', 2, Buffer.from('k')),
      hex('t', 1, Buffer.from('l')),
      hex('t', 1, Buffer.alloc(0)),
      hex('t', 1, Buffer.from([0xff])),
      hex('t', 1, Buffer.from([0xfe])),
      hex('t', 11, Buffer.from('')),
      hex('t', 1, Buffer.from('1\n')),
    ]
    expect(new Set(keys).size).toBe(keys.length)
  })
})
