import { describe, expect, it } from 'vitest'
import { chooseSampleInterval } from './sample-interval.js'

describe(chooseSampleInterval.name, () => {
  it.each([
    ['an empty queue', 0.2, 1_000],
    ['a queue at the default cap', 15, 1_000],
    ['a long queue', 72, 1_440],
    ['a queue that nobody foresaw', 4_000, 10_000],
  ])('keeps the samples of %s cheap, and frequent enough', (_, costMs, expected) => {
    expect(chooseSampleInterval(costMs)).toBe(expected)
  })
})
