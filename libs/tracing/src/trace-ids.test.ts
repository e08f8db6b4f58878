import { describe, expect, it } from 'vitest'
import { isTraceParent, parseTraceParent, TraceIds } from '#libs/tracing'

describe(TraceIds.name, () => {
  it('makes valid roots that are not sampled and never the same twice', () => {
    const ids = new TraceIds()
    const roots = Array.from({ length: 1_000 }, () => ids.makeTraceParent())
    expect(roots.every(isTraceParent)).toBe(true)
    expect(new Set(roots.map((root) => parseTraceParent(root)!.traceId)).size).toBe(1_000)
    expect(parseTraceParent(roots[0])!.sampled).toBe(false)
  })

  it('passes over ids of zeros, which are not valid', () => {
    const fillings = [0, 7]
    const ids = new TraceIds((pool) => pool.fill(fillings.shift() ?? 1))
    expect(ids.makeTraceId()).toBe('07'.repeat(16))
    expect(new TraceIds((pool) => pool.fill(0).fill(5, 64)).makeSpanId()).toBe('05'.repeat(8))
  })
})
