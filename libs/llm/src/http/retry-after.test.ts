import { describe, expect, it } from 'vitest'
import { parseRetryAfter } from './retry-after.js'

const NOW_MS = Date.parse('2026-03-01T12:00:00Z')

describe(parseRetryAfter.name, () => {
  it.each([
    [undefined, undefined],
    ['5', 5_000],
    [' 1.5 ', 1_500],
    ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
    ['999999999', 86_400_000],
    ['soon', undefined],
    ['', undefined],
  ])('reads %j as %j', (value, expected) => {
    expect(parseRetryAfter(value, NOW_MS)).toBe(expected)
  })
})
