import { describe, expect, it } from 'vitest'
import type { MeterCandidate, MeterLevel } from '#libs/kernel'
import { ClaimMetering } from './claim.metering.js'
import type { Meter } from './meter.js'
import type { MeteredLane } from './metered-lane.js'

const REQUESTS: Meter = { meter: 'requests:gigachat', kind: 'requests', isDaily: false, limit: 36 }
const TOKENS: Meter = { meter: 'tokens:gigachat', kind: 'tokens', isDaily: false, limit: 1_200 }
const BUDGET: Meter = { meter: 'budget_tokens:acme', kind: 'max_tokens', isDaily: true, limit: 1_000 }
const MONEY: Meter = { meter: 'budget_money:acme', kind: 'money', isDaily: true, limit: 10 }

const reserve = (tokens: number) => ({ tokens, maxTokens: tokens, money: null })

function makeLane(fields: Partial<MeteredLane> = {}): MeteredLane {
  return { provider: 'gigachat', model: 'm', tenant: 'acme', meters: [REQUESTS, BUDGET], reserve, ...fields }
}

function makeLevel({ meter, isDaily }: Meter, amount: number | null = null): MeterLevel {
  return { meter, isDaily, day: isDaily ? '2026-01-02' : '1970-01-01', amount, sinceMs: 0 }
}

const makeCandidate = (id: number, lane: MeteredLane, fields: Partial<MeterCandidate> = {}): MeterCandidate => ({
  id,
  lane,
  estimatedTokens: 300,
  needsCall: true,
  ...fields,
})
const idsOf = ({ admitted }: ReturnType<ClaimMetering['admit']>) => admitted.map(({ id }) => id)

describe(ClaimMetering.name, () => {
  it('admits in order until a meter is empty, and takes from all meters what was admitted and nothing else', () => {
    const lane = makeLane()
    const metering = new ClaimMetering([lane], 0)
    const result = metering.admit(
      [makeLevel(REQUESTS), makeLevel(BUDGET, 100)],
      [1, 2, 3, 4].map((id) => makeCandidate(id, lane)),
    )
    expect(idsOf(result)).toEqual([1, 2, 3])
    expect(result.changes).toEqual([
      { meter: 'requests:gigachat', day: '1970-01-01', amount: 0 },
      { meter: 'budget_tokens:acme', day: '2026-01-02', amount: 1_000 },
    ])
  })

  it('changes nothing where nothing is admitted, though other meters would have let it pass', () => {
    const lane = makeLane()
    const metering = new ClaimMetering([lane], 0)
    const result = metering.admit([makeLevel(REQUESTS), makeLevel(BUDGET, 800)], [makeCandidate(1, lane)])
    expect(result).toEqual({ admitted: [], changes: [] })
    expect(metering.refusalOf(lane)).toEqual({ gate: 'budget_tokens:acme', value: 800, limit: 1_000, waitMs: 86_400_000 })
  })

  it('lets nobody pass one that waits for a minute, of whatever lane, or a large task would never start', () => {
    const [large, small] = [makeLane({ meters: [TOKENS] }), makeLane({ tenant: 'other', meters: [TOKENS] })]
    const metering = new ClaimMetering([large, small], 0)
    const result = metering.admit(
      [makeLevel(TOKENS, 50)],
      [
        makeCandidate(1, large, { estimatedTokens: 60 }),
        makeCandidate(2, large, { estimatedTokens: 1 }),
        makeCandidate(3, small, { estimatedTokens: 1 }),
      ],
    )
    expect(idsOf(result)).toEqual([])
    expect(metering.refusalOf(small)).toEqual(metering.refusalOf(large))
    expect([large, small].map((lane) => metering.mayLookFurther(lane))).toEqual([false, false])
  })

  it('lets smaller tasks pass one that does not fit into the rest of the day, as far as there is room', () => {
    const lane = makeLane({ meters: [BUDGET] })
    const metering = new ClaimMetering([lane], 0)
    const candidates = [600, 100, 150, 100].map((estimatedTokens, index) => makeCandidate(index + 1, lane, { estimatedTokens, room: 3 }))
    expect(idsOf(metering.admit([makeLevel(BUDGET, 500)], candidates.slice(0, 1)))).toEqual([])
    expect(metering.mayLookFurther(lane)).toBe(true)
    expect(idsOf(metering.admit([makeLevel(BUDGET, 500)], candidates))).toEqual([2, 3, 4])
    expect(metering.refusalOf(lane)).toBeUndefined()
    expect(idsOf(metering.admit([makeLevel(BUDGET, 500)], [...candidates, makeCandidate(5, lane, { room: 3 })]))).toEqual([2, 3, 4])
  })

  it('admits without a call what alone is more than a day allows', () => {
    const lane = makeLane({ meters: [BUDGET] })
    const result = new ClaimMetering([lane], 0).admit(
      [makeLevel(BUDGET, 1_000)],
      [makeCandidate(1, lane, { estimatedTokens: 1_001 }), makeCandidate(2, lane, { estimatedTokens: 1_000 })],
    )
    expect(result).toEqual({
      admitted: [{ id: 1, reservation: null, exceeds: { gate: 'budget_tokens:acme', cost: 1_001, limit: 1_000 } }],
      changes: [],
    })
  })

  it('blocks one lane and not another, which shares only some of its meters', () => {
    const blocked = makeLane()
    const other = makeLane({ tenant: 'other', meters: [REQUESTS] })
    const metering = new ClaimMetering([blocked, other], 0)
    const result = metering.admit([makeLevel(REQUESTS), makeLevel(BUDGET, 1_000)], [makeCandidate(1, blocked), makeCandidate(2, other)])
    expect(idsOf(result)).toEqual([2])
    expect(metering.refusalOf(other)).toBeUndefined()
  })

  it('admits what needs no call, whatever the meters say', () => {
    const lane = makeLane()
    const result = new ClaimMetering([lane], 0).admit(
      [makeLevel(REQUESTS, -5), makeLevel(BUDGET, 9_999)],
      [makeCandidate(1, lane, { needsCall: false })],
    )
    expect(result).toEqual({ admitted: [{ id: 1, reservation: null }], changes: [] })
  })

  it('refuses a model without a price where money is counted', () => {
    const lane = makeLane({ meters: [MONEY] })
    const metering = new ClaimMetering([lane], 0)
    expect(idsOf(metering.admit([makeLevel(MONEY)], [makeCandidate(1, lane)]))).toEqual([])
    expect(metering.refusalOf(lane)).toMatchObject({ gate: 'price:budget_money:acme' })
  })

  it('names each meter once, though lanes share them', () => {
    const metering = new ClaimMetering([makeLane(), makeLane({ tenant: 'other', meters: [REQUESTS] })], 0)
    expect(metering.meters).toEqual([REQUESTS, BUDGET])
  })
})
