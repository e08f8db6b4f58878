import { describe, expect, it } from 'vitest'
import { parseRetryAfter } from './retry-after.js'

const NOW = Date.parse('2026-01-01T00:00:00Z')

describe(parseRetryAfter.name, () => {
  it.each([
    ['2', 2_000],
    ['0', 0],
    ['999999999', 3_600_000],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5_000],
    ['Thu, 01 Jan 2015 00:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('reads %s as %s ms', (text, waitMs) => {
    expect(parseRetryAfter(text, NOW)).toBe(waitMs)
  })
})
