import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { costOf, estimateWaitMs, makeAmount, makeBucket, mayTake, readLeft, type Meter } from './meter.js'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

function makeMeter(fields: Partial<Meter> = {}): Meter {
  return { meter: 'm', kind: 'requests', isDaily: false, limit: 60, ...fields }
}

/** Takes whatever may be taken, at these times; returns when, and how much. */
function takeGreedily(meter: Meter, steps: readonly { readonly afterMs: number; readonly cost: number }[]) {
  let level: { amount: number | null; sinceMs: number } = { amount: null, sinceMs: 0 }
  let nowMs = 0
  const taken: { atMs: number; cost: number }[] = []
  for (const { afterMs, cost } of steps) {
    nowMs += afterMs
    level = { ...level, sinceMs: level.sinceMs + afterMs }
    const left = readLeft(meter, level)
    if (!mayTake(meter, left, cost)) continue
    level = { amount: makeAmount(meter, left - cost), sinceMs: 0 }
    taken.push({ atMs: nowMs, cost })
  }
  return taken
}

/** The most that was taken in any minute. */
function findBusiestMinute(taken: readonly { atMs: number; cost: number }[]): number {
  return Math.max(
    0,
    ...taken.map(({ atMs: fromMs }) =>
      taken.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + MINUTE_MS).reduce((sum, { cost }) => sum + cost, 0),
    ),
  )
}

describe('a meter of requests', () => {
  it('lets no minute pass its limit, wherever the minute begins', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 90 }),
        fc.array(fc.integer({ min: 0, max: 4_000 }), { minLength: 1, maxLength: 300 }),
        (limit, waits) => {
          const taken = takeGreedily(
            makeMeter({ limit }),
            waits.map((afterMs) => ({ afterMs, cost: 1 })),
          )
          expect(findBusiestMinute(taken)).toBeLessThanOrEqual(limit)
        },
      ),
    )
  })

  it.each([1, 2, 10, 100, 3_000])('lets nearly all of %s a minute through when they are wanted all the time', (limit) => {
    const minutes = 10
    const taken = takeGreedily(
      makeMeter({ limit }),
      Array.from({ length: minutes * 6_000 }, () => ({ afterMs: 10, cost: 1 })),
    )
    expect(taken.length).toBeGreaterThanOrEqual(Math.floor(limit * minutes * 0.9) - 1)
  })
})

describe('a meter of tokens', () => {
  it('passes its limit in no minute by more than the largest call', () => {
    const step = fc.record({ afterMs: fc.integer({ min: 0, max: 3_000 }), cost: fc.integer({ min: 1, max: 900 }) })
    fc.assert(
      fc.property(fc.integer({ min: 500, max: 5_000 }), fc.array(step, { minLength: 1, maxLength: 300 }), (limit, steps) => {
        const meter = makeMeter({ kind: 'tokens', limit })
        const largest = Math.max(...steps.map(({ cost }) => cost))
        const excess = Math.max(0, largest - makeBucket(meter).capacity)
        expect(findBusiestMinute(takeGreedily(meter, steps))).toBeLessThanOrEqual(limit + excess)
      }),
    )
  })

  it('lets a call pass that is larger than all that may come at once, and makes the next ones wait for it', () => {
    const meter = makeMeter({ kind: 'tokens', limit: 1_200 })
    expect(readLeft(meter, { amount: null, sinceMs: 0 })).toBe(100)
    expect(mayTake(meter, 100, 5_000)).toBe(true)
    expect(mayTake(meter, 99, 5_000)).toBe(false)
    expect(mayTake(meter, 100 - 5_000, 1)).toBe(false)
  })

  it('says when a call may pass: then it may, and not earlier', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 100_000 }),
        fc.integer({ min: -5_000, max: 100 }),
        fc.integer({ min: 1, max: 9_000 }),
        (limit, left, cost) => {
          const meter = makeMeter({ kind: 'tokens', limit })
          fc.pre(!mayTake(meter, left, cost))
          const waitMs = estimateWaitMs(meter, left, { cost, nowMs: 0 })
          expect(mayTake(meter, readLeft(meter, { amount: left, sinceMs: waitMs + 1 }), cost)).toBe(true)
          expect(mayTake(meter, readLeft(meter, { amount: left, sinceMs: waitMs - 2 }), cost)).toBe(false)
        },
      ),
    )
  })
})

describe('a budget of a day', () => {
  const meter = makeMeter({ kind: 'max_tokens', isDaily: true, limit: 1_000 })

  it('counts what is spent, and refuses what would pass it, however large', () => {
    expect(readLeft(meter, { amount: null, sinceMs: 0 })).toBe(1_000)
    expect(readLeft(meter, { amount: 900, sinceMs: 9 * DAY_MS })).toBe(100)
    expect(makeAmount(meter, 100)).toBe(900)
    expect(mayTake(meter, 100, 100)).toBe(true)
    expect(mayTake(meter, 100, 101)).toBe(false)
    expect(mayTake(meter, 1_000, 1_001)).toBe(false)
  })

  it('may pass again at midnight UTC', () => {
    const nowMs = Date.UTC(2026, 0, 2, 18)
    expect(estimateWaitMs(meter, 0, { cost: 1, nowMs })).toBe(6 * 60 * MINUTE_MS)
  })
})

it('a call costs what the meter counts', () => {
  const reservation = { tokens: 5, maxTokens: 9, money: 0.5 }
  const costs = (['requests', 'tokens', 'max_tokens', 'money'] as const).map((kind) => costOf({ kind }, reservation))
  expect(costs).toEqual([1, 5, 9, 0.5])
  expect(costOf({ kind: 'money' }, { ...reservation, money: null })).toBeUndefined()
})
