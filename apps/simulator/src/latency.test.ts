import { describe, expect, it } from 'vitest'
import { drawLatencyMs } from './latency.js'
import type { Latency } from './latency.schema.js'
import { makeRandom } from './random.js'

function drawMany(latency: Latency): number[] {
  const random = makeRandom(7)
  return Array.from({ length: 10_000 }, () => drawLatencyMs(latency, random))
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length / 2]!
}

describe(drawLatencyMs.name, () => {
  it('draws inside the bounds of a uniform distribution', () => {
    const values = drawMany({ kind: 'uniform', minMs: 10, maxMs: 30 })

    expect(Math.min(...values)).toBe(10)
    expect(Math.max(...values)).toBe(30)
  })

  it('draws around the mean of a normal distribution and never below 0', () => {
    const values = drawMany({ kind: 'normal', meanMs: 100, sdMs: 80 })

    expect(Math.min(...values)).toBe(0)
    expect(Math.abs(median(values) - 100)).toBeLessThan(5)
  })

  it('draws around the median of a lognormal distribution', () => {
    expect(Math.abs(median(drawMany({ kind: 'lognormal', medianMs: 200, sigma: 0.5 })) - 200)).toBeLessThan(10)
  })

  it('repeats itself with the same seed', () => {
    const latency: Latency = { kind: 'lognormal', medianMs: 200, sigma: 1 }

    expect(drawMany(latency)).toEqual(drawMany(latency))
  })
})
