import { describe, expect, it } from 'vitest'
import { makeStorableCount, makeStorableText } from './storable.js'

describe(makeStorableText.name, () => {
  it('replaces NUL, which PostgreSQL refuses', () => {
    expect(makeStorableText('a\0b\0')).toBe('a\u{FFFD}b\u{FFFD}')
  })

  it('leaves other text alone', () => {
    expect(makeStorableText('ю \n 🌊')).toBe('ю \n 🌊')
  })
})

describe(makeStorableCount.name, () => {
  it.each([
    [0, 0],
    [41.6, 42],
    [2_147_483_647, 2_147_483_647],
    [1e12, 2_147_483_647],
    [-1, null],
    [Number.NaN, null],
    [Number.POSITIVE_INFINITY, null],
    [undefined, null],
  ])('makes of %s %s', (count, storable) => {
    expect(makeStorableCount(count)).toBe(storable)
  })
})
