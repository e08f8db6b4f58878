import { describe, expect, it } from 'vitest'
import type { GateState } from '#libs/kernel'
import { adaptLimit } from './adapt-limit.js'

function makeState(fields: Partial<GateState> & { readonly inUse?: number } = {}): GateState {
  const { inUse = 0, ...state } = fields
  const grants = [{ leaseId: 1, streams: 10, inUse, wanted: 10, starvedMs: 0 }]
  return { gate: 'g', adaptiveLimit: 7, changedMs: 1_000, grants, ownLeaseId: 1, ...state }
}

describe(adaptLimit.name, () => {
  it('says nothing where the provider bears what is configured', () => {
    expect(adaptLimit(makeState({ adaptiveLimit: null, inUse: 10 }), 10, 1_000)).toBeNull()
  })

  it('forgets a limit that is not below the configured one any more', () => {
    expect(adaptLimit(makeState({ adaptiveLimit: 7 }), 5, 1_000)).toBeNull()
  })

  it('gives one stream back after each interval while they are in use', () => {
    expect(adaptLimit(makeState({ inUse: 7 }), 10, 1_000)).toBe(8)
    expect(adaptLimit(makeState({ inUse: 5 }), 10, 1_000)).toBe(8)
  })

  it('waits while the interval is not over', () => {
    expect(adaptLimit(makeState({ inUse: 7, changedMs: 999 }), 10, 1_000)).toBe(7)
    expect(adaptLimit(makeState({ inUse: 7, changedMs: null }), 10, 1_000)).toBe(7)
  })

  it('learns nothing from streams that nobody uses', () => {
    expect(adaptLimit(makeState({ inUse: 4 }), 10, 1_000)).toBe(7)
  })

  it('comes from one stream back to all of them', () => {
    let adaptiveLimit: number | null = 1
    const seen: (number | null)[] = []
    while (adaptiveLimit !== null && seen.length < 20)
      seen.push((adaptiveLimit = adaptLimit(makeState({ adaptiveLimit, inUse: adaptiveLimit }), 5, 1_000)))
    expect(seen).toEqual([2, 3, 4, null])
  })

  it('counts what all replicas use', () => {
    const grants = [1, 2, 3].map((leaseId) => ({ leaseId, streams: 2, inUse: 2, wanted: 2, starvedMs: 0 }))
    expect(adaptLimit(makeState({ grants }), 10, 1_000)).toBe(8)
  })
})
