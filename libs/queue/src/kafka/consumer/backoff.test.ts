import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeJitteredDelayMs } from './backoff.js'

describe(makeJitteredDelayMs.name, () => {
  it('doubles its bound with every attempt up to the maximum', () => {
    const limits = { minDelayMs: 100, maxDelayMs: 1_000 }
    expect([1, 2, 3, 4, 5, 500].map((attempt) => makeJitteredDelayMs(attempt, limits, () => 1))).toEqual([100, 200, 400, 800, 1_000, 1_000])
  })

  it('spreads over the whole range', () => {
    expect(makeJitteredDelayMs(3, { minDelayMs: 100, maxDelayMs: 1_000 }, () => 0)).toBe(0)
    expect(makeJitteredDelayMs(3, { minDelayMs: 100, maxDelayMs: 1_000 }, () => 0.5)).toBe(200)
  })

  it('never leaves its bounds, and never shrinks with the attempts, by the same chance', () => {
    const chance = fc.double({ min: 0, max: 1, noNaN: true })
    const limitsOf = fc.record({ minDelayMs: fc.integer({ min: 1, max: 10_000 }), maxDelayMs: fc.integer({ min: 10_000, max: 600_000 }) })
    fc.assert(
      fc.property(limitsOf, fc.integer({ min: 1, max: 10_000 }), chance, (limits, attempt, random) => {
        const [delayMs, nextMs] = [attempt, attempt + 1].map((number) => makeJitteredDelayMs(number, limits, () => random))
        expect(delayMs).toBeGreaterThanOrEqual(0)
        expect(delayMs).toBeLessThanOrEqual(limits.maxDelayMs)
        expect(nextMs).toBeGreaterThanOrEqual(delayMs!)
      }),
    )
  })
})
