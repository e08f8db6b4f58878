import { murmur2 as oracle } from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { murmur2 } from './murmur2.js'

describe(murmur2.name, () => {
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('gives what the Java client gives for "%s"', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash)
  })

  it('gives what the library gives for any key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (key) => {
        expect(murmur2(key)).toBe(oracle(Buffer.from(key)))
      }),
    )
  })
})
