import { assert, double, integer, property, tuple } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeFullJitterMs } from './full-jitter.js'

const delays = tuple(integer({ min: 0, max: 60_000 }), integer({ min: 0, max: 300_000 })).map(([initialDelayMs, more]) => ({
  initialDelayMs,
  maxDelayMs: initialDelayMs + more,
}))
const random = double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const retry = integer({ min: 1, max: Number.MAX_SAFE_INTEGER })

describe(makeFullJitterMs.name, () => {
  it('is a whole number from 0 to the maximum, whatever the retry', () => {
    assert(
      property(retry, delays, random, (number, limits, share) => {
        const delayMs = makeFullJitterMs(number, limits, () => share)
        expect(Number.isInteger(delayMs)).toBe(true)
        expect(delayMs).toBeGreaterThanOrEqual(0)
        expect(delayMs).toBeLessThanOrEqual(limits.maxDelayMs)
      }),
    )
  })

  it('never has a lower bound for a later retry', () => {
    assert(
      property(retry, delays, random, (number, limits, share) => {
        const [earlier, later] = [number, number + 1].map((each) => makeFullJitterMs(each, limits, () => share))
        expect(later).toBeGreaterThanOrEqual(earlier!)
      }),
    )
  })

  it('doubles its bound with every retry up to the maximum', () => {
    const limits = { initialDelayMs: 100, maxDelayMs: 1_000 }
    expect([1, 2, 3, 4, 5, 500].map((each) => makeFullJitterMs(each, limits, () => 1))).toEqual([100, 200, 400, 800, 1_000, 1_000])
  })
})
