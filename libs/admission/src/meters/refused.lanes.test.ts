import { describe, expect, it } from 'vitest'
import { makeLane } from '../testing/make-lane.js'
import { RefusedLanes } from './refused.lanes.js'

const SHARED = { meter: 'requests:gigachat', isDaily: false }
const OWN = { meter: 'budget_tokens:a', isDaily: true }
const [a, b, free] = [makeLane({ tenant: 'a' }), makeLane({ tenant: 'b' }), makeLane({ tenant: 'c', provider: 'other' })]

function makeRefused() {
  let nowMs = 0
  const refused = new RefusedLanes({ monotonicMs: () => nowMs }, ({ provider, tenant }) =>
    provider === 'other' ? [] : [SHARED, ...(tenant === 'a' ? [OWN] : [])],
  )
  const refuse = (meter: string, waitMs: number) => refused.note(a, { gate: meter, value: 0, limit: 1, waitMs })
  return { refused, refuse, pass: (ms: number) => (nowMs += ms) }
}

const blocked = (refused: RefusedLanes) => [a, b, free].map((lane) => refused.blocks(lane))

describe(RefusedLanes.name, () => {
  it('blocks all lanes of a shared limit until the same moment', () => {
    const { refused, refuse, pass } = makeRefused()
    refuse(SHARED.meter, 300)
    expect(blocked(refused)).toEqual([true, true, false])
    expect([refused.nextMs([b]), refused.nextMs([free])]).toEqual([300, Number.POSITIVE_INFINITY])
    expect(refused.isInTurn(b)).toBe(true)
    pass(300)
    expect(blocked(refused)).toEqual([false, false, false])
  })

  it('blocks one lane where its own budget is the reason, and asks again within a second', () => {
    const { refused, refuse, pass } = makeRefused()
    refuse(OWN.meter, 86_400_000)
    expect(blocked(refused)).toEqual([true, false, false])
    expect(refused.isInTurn(a)).toBe(false)
    pass(1_000)
    expect(blocked(refused)).toEqual([false, false, false])
  })

  it('forgets what blocked a lane', () => {
    const { refused, refuse } = makeRefused()
    refuse(SHARED.meter, 300)
    refuse(OWN.meter, 300)
    refused.forget(a)
    expect(blocked(refused)).toEqual([false, false, false])
  })
})
