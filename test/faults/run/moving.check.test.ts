import { describe, expect, it } from 'vitest'
import { checkMoving } from './moving.check.js'

/** So many results a second, from and to these seconds. */
const flow = (perSecond: number, fromS: number, toS: number) =>
  Array.from({ length: perSecond * (toS - fromS) }, (_, index) => 1_000 * (fromS + index / perSecond))

const TIMES = { fedFromMs: 0, fedUntilMs: 10_000, faultFromMs: 4_000, faultToMs: 20_000 }

describe(checkMoving.name, () => {
  it('finds nothing wrong where most results keep coming', () => {
    expect(checkMoving({ ...TIMES, resultsAtMs: [...flow(20, 0, 4), ...flow(15, 4, 10)] })).toEqual([])
  })

  it.each([
    ['none', flow(20, 0, 4)],
    ['few', [...flow(20, 0, 4), ...flow(5, 4, 10), ...flow(40, 20, 25)]],
  ])('reports that %s come while the fault lasts', (_, resultsAtMs) => {
    const problem = 'tasks that the fault does not touch did not go on'
    expect(checkMoving({ ...TIMES, resultsAtMs })).toMatchObject([{ invariant: 'I19', problem }])
  })

  it('reports that it could not tell where no records came meanwhile', () => {
    const problem = 'the run was too short to see whether other tasks went on'
    expect(checkMoving({ ...TIMES, fedUntilMs: 5_000, resultsAtMs: flow(20, 0, 5) })).toMatchObject([{ invariant: 'I19', problem }])
  })
})
