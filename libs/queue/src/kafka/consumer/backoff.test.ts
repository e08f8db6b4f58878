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
})
