import { describe, expect, it } from 'vitest'
import { checkThroughput } from './throughput.check.js'

/** So many results a second, from and to these seconds. */
const flow = (perSecond: number, fromS: number, toS: number) =>
  Array.from({ length: Math.round(perSecond * (toS - fromS)) }, (_, index) => 1_000 * (fromS + index / perSecond))

const TIMES = { fedFromMs: 0, faultAtMs: 5_000, overAtMs: 10_000 }

describe(checkThroughput.name, () => {
  it('holds when the rate is back within a minute, also late', () => {
    expect(checkThroughput({ ...TIMES, resultsAtMs: [...flow(20, 0, 5), ...flow(18, 12, 20)] }, 'where_seen')).toEqual([])
    expect(checkThroughput({ ...TIMES, resultsAtMs: [...flow(20, 0, 5), ...flow(5, 10, 60), ...flow(20, 60, 65)] }, 'where_seen')).toEqual(
      [],
    )
  })

  it('is broken when the rate stays low for a minute', () => {
    const resultsAtMs = [...flow(20, 0, 5), ...flow(10, 10, 75), ...flow(20, 75, 80)]
    expect(checkThroughput({ ...TIMES, resultsAtMs }, 'where_seen')).toMatchObject([{ invariant: 'I13' }])
  })

  it('says nothing of runs that are too short to tell', () => {
    expect(checkThroughput({ ...TIMES, resultsAtMs: [...flow(2, 0, 5), ...flow(1, 10, 75)] }, 'where_seen')).toEqual([])
    expect(checkThroughput({ ...TIMES, resultsAtMs: [...flow(20, 0, 5), ...flow(10, 10, 18)] }, 'where_seen')).toEqual([])
  })

  it.each([
    ['before', [...flow(2, 0, 5), ...flow(1, 10, 75)]],
    ['after', [...flow(20, 0, 5), ...flow(10, 10, 18)]],
  ])('is broken where it is due and the run is too short to tell, %s the fault', (_, resultsAtMs) => {
    const problem = 'the run was too short to see whether throughput came back'
    expect(checkThroughput({ ...TIMES, resultsAtMs }, 'due')).toMatchObject([{ invariant: 'I13', problem }])
  })
})
