import { describe, expect, it } from 'vitest'
import type { LimitFacts, MeterCandidate, RouteState } from '#libs/kernel'
import { limitsFileSchema } from '../limits/limits.schema.js'
import { Limits } from '../limits/limits.js'
import { ClaimMetering } from '../meters/claim.metering.js'
import { makeMeteredLane } from '../meters/metered-lane.js'
import { makeLane } from '../testing/make-lane.js'
import { createLaneGates } from './create-lane-gates.js'
import { LimitGates } from './limit.gates.js'

const LANE = makeLane()
const NOW_MS = Date.UTC(2026, 0, 2, 18)
const FACTS: LimitFacts = { nowMs: NOW_MS, gates: [], calls: [{ lane: LANE, calls: 99 }], routes: [], levels: [] }
const FILE = {
  credentials: { gigachat: { max_streams: 4, requests_per_minute: 12, models: { 'GigaChat-2': { max_streams: 2 } } } },
  tenants: { default: { budget: { tokens_per_day: 1_000 } } },
}

const makeCandidate = (fields: Partial<MeterCandidate> = {}): MeterCandidate => ({
  id: 1,
  lane: LANE,
  estimatedTokens: 300,
  needsCall: true,
  ...fields,
})
const makeLimits = (file: object = FILE) => new Limits(limitsFileSchema.parse(file), 10)
const makeGates = (file?: object, ratio = 1) => new LimitGates({ limits: makeLimits(file), ratioOf: () => ratio })
const makeUse = (gate: string, inUse: number[], adaptiveLimit: number | null = null) => ({
  gate,
  adaptiveLimit,
  grants: inUse.map((used, index) => ({ leaseId: index, streams: used, inUse: used, wanted: used, starvedMs: 0 })),
})
const makeRoute = (fields: Partial<RouteState>): RouteState => ({
  ...LANE,
  status: 'open',
  failures: 3,
  reason: 'llm_timeout',
  openMs: 5_000,
  leftMs: 1_500,
  isOwnProbe: false,
  ...fields,
})
const makeLevel = (meter: string, amount: number, sinceMs = 0) => ({
  meter,
  isDaily: meter.startsWith('budget'),
  day: '2026-01-02',
  amount,
  sinceMs,
})

function readOne(gate: string, facts: Partial<LimitFacts>, { candidate = makeCandidate() } = {}) {
  return makeGates()
    .read(LANE, { ...FACTS, ...facts }, [candidate])
    .find((reading) => reading.gate === gate)
}

describe(LimitGates.name, () => {
  it('reads every gate of a lane in the order of admission, and all are open where nothing was used', () => {
    const readings = makeGates().read(LANE, FACTS, [makeCandidate()])
    expect(readings.map(({ gate, name, blocks, waitMs }) => ({ gate, name, blocks, waitMs }))).toEqual(
      [
        { gate: 'breaker:gigachat/GigaChat-2', name: 'breaker gigachat/GigaChat-2' },
        { gate: 'credential:gigachat', name: 'streams gigachat' },
        { gate: 'model:gigachat/GigaChat-2', name: 'model gigachat/GigaChat-2' },
        { gate: 'requests:gigachat', name: 'requests per minute gigachat' },
        { gate: 'budget_tokens:default', name: 'budget tokens per day default' },
      ].map((gate) => ({ ...gate, blocks: false, waitMs: 0 })),
    )
    expect(makeGates().keysOf(LANE)).toMatchObject({
      gates: ['credential:gigachat', 'model:gigachat/GigaChat-2'],
      meters: [{ meter: 'requests:gigachat' }, { meter: 'budget_tokens:default', isDaily: true }],
    })
    expect(makeGates().unknownOf(LANE)).toEqual([])
  })

  it('blocks where all replicas together use as many streams as there are', () => {
    expect(readOne('credential:gigachat', { gates: [makeUse('credential:gigachat', [2, 1])] })).toMatchObject({
      value: 3,
      limit: 4,
      blocks: false,
    })
    expect(readOne('credential:gigachat', { gates: [makeUse('credential:gigachat', [3, 0, 1])] })).toMatchObject({
      value: 4,
      limit: 4,
      blocks: true,
      waitMs: null,
      detail: '4 in use by 2 workers; the next is free when a call ends',
    })
  })

  it('blocks at the streams that the provider bears, which are never more than are configured', () => {
    expect(readOne('credential:gigachat', { gates: [makeUse('credential:gigachat', [2], 2)] })).toMatchObject({ limit: 2, blocks: true })
    expect(readOne('credential:gigachat', { gates: [makeUse('credential:gigachat', [2], 9)] })).toMatchObject({ limit: 4, blocks: false })
  })

  it('counts no more streams than calls are under way, of whatever lane, since claims hold some that they do not use', () => {
    const gates = [makeUse('credential:gigachat', [4]), makeUse('model:gigachat/GigaChat-2', [4])]
    const calls = [
      { lane: makeLane({ tenant: 'other' }), calls: 1 },
      { lane: makeLane({ model: 'other' }), calls: 3 },
      { lane: makeLane({ provider: 'other' }), calls: 9 },
    ]
    expect(readOne('credential:gigachat', { gates, calls })).toMatchObject({ value: 4, blocks: true })
    expect(readOne('model:gigachat/GigaChat-2', { gates, calls })).toMatchObject({ value: 1, limit: 2, blocks: false })
    expect(readOne('credential:gigachat', { gates, calls: [] })).toMatchObject({ value: 0, blocks: false })
  })

  it.each([
    { route: makeRoute({}), reading: { blocks: true, value: 3, waitMs: 1_500 }, detail: 'open (llm_timeout): then one call is tried' },
    {
      route: makeRoute({ leftMs: -5, reason: null }),
      reading: { blocks: true, waitMs: 0 },
      detail: 'open (its calls failed): one call is to be tried now',
    },
    { route: makeRoute({ status: 'half_open' }), reading: { blocks: true, waitMs: null }, detail: 'half-open' },
    { route: makeRoute({ status: 'closed' }), reading: { blocks: false, value: 3, waitMs: 0 }, detail: 'closed' },
    { route: makeRoute({ model: 'other' }), reading: { blocks: false, value: 0 }, detail: 'closed' },
  ])('reads the breaker: $detail', ({ route, reading, detail }) => {
    expect(readOne('breaker:gigachat/GigaChat-2', { routes: [route] })).toMatchObject({
      ...reading,
      detail: expect.stringContaining(detail),
    })
  })

  it('refills a bucket up to now, and says when the next call may pass', () => {
    const empty = readOne('requests:gigachat', { levels: [makeLevel('requests:gigachat', 0)] })
    expect(empty).toMatchObject({ value: 0, limit: 12, unit: 'requests', blocks: true })
    const just = readOne('requests:gigachat', { levels: [makeLevel('requests:gigachat', 0, empty!.waitMs!)] })
    expect(just).toMatchObject({ blocks: false, waitMs: 0 })
    const nearly = readOne('requests:gigachat', { levels: [makeLevel('requests:gigachat', 0, empty!.waitMs! - 10)] })
    expect(nearly).toMatchObject({ blocks: true })
    expect(nearly!.waitMs).toBeLessThanOrEqual(10)
  })

  it('says that a budget begins anew at midnight UTC, and that what is larger than a whole day never passes', () => {
    const levels = [makeLevel('budget_tokens:default', 800)]
    expect(readOne('budget_tokens:default', { levels })).toMatchObject({ value: 800, blocks: true, waitMs: 6 * 3_600_000 })
    const candidate = makeCandidate({ estimatedTokens: 1_001 })
    expect(readOne('budget_tokens:default', { levels }, { candidate })).toMatchObject({ blocks: true, waitMs: null })
  })

  it('lets pass what needs no call', () => {
    const levels = [makeLevel('budget_tokens:default', 1_000), makeLevel('requests:gigachat', -5)]
    const readings = makeGates().read(LANE, { ...FACTS, levels }, [makeCandidate({ needsCall: false })])
    expect(readings.filter(({ blocks }) => blocks)).toEqual([])
  })

  it('counts tokens as calls of the lane really use them', () => {
    const file = { credentials: { gigachat: { tokens_per_minute: 2_400 } } }
    const facts = { ...FACTS, levels: [makeLevel('tokens:gigachat', 60)] }
    expect(makeGates(file, 1).read(LANE, facts, [makeCandidate({ estimatedTokens: 100 })])[2]).toMatchObject({ blocks: true })
    expect(makeGates(file, 0.5).read(LANE, facts, [makeCandidate({ estimatedTokens: 100 })])[2]).toMatchObject({ blocks: false })
  })

  it('blocks exactly where a claim would be refused', () => {
    const limits = makeLimits({
      credentials: {
        gigachat: {
          requests_per_minute: 24,
          tokens_per_minute: 3_600,
          models: { 'GigaChat-2': { price: { prompt_per_1k: 1, completion_per_1k: 2 } } },
        },
      },
      tenants: { default: { budget: { tokens_per_day: 1_000, money_per_day: 1.5 } } },
    })
    const gates = new LimitGates({ limits, ratioOf: () => 1 })
    const verdicts = new Set<boolean>()
    for (const requests of [0.9, 1, 2]) {
      for (const tokens of [-10, 299, 300]) {
        for (const spent of [0, 700, 701]) {
          for (const money of [0, 0.9, 0.91]) {
            const levels = [
              makeLevel('requests:gigachat', requests),
              makeLevel('tokens:gigachat', tokens),
              makeLevel('budget_tokens:default', spent),
              makeLevel('budget_money:default', money),
            ]
            const metering = new ClaimMetering([makeMeteredLane(limits, LANE, () => 1)], NOW_MS)
            const refused = metering.admit(levels, [makeCandidate()]).admitted.length === 0
            const blocking = gates.read(LANE, { ...FACTS, levels }, [makeCandidate()]).filter(({ blocks }) => blocks)
            const first = blocking.map(({ gate, value, limit, waitMs }) => ({ gate, value, limit, waitMs })).slice(0, 1)
            expect(first).toEqual(refused ? [metering.refusalOf(LANE)] : [])
            verdicts.add(refused)
          }
        }
      }
    }
    expect(verdicts.size).toBe(2)
  })
})

describe(createLaneGates.name, () => {
  const none = limitsFileSchema.parse({})

  it('says which gates it cannot judge without the settings of the workers', () => {
    const gates = createLaneGates({ limits: none, limitsFile: undefined, maxStreams: undefined })
    expect(gates.unknownOf(LANE)).toEqual([expect.stringContaining('LLM_MAX_STREAMS'), expect.stringContaining('LIMITS_FILE')])
    const use = makeUse('credential:gigachat', [50])
    expect(gates.read(LANE, { ...FACTS, gates: [use] }, [makeCandidate()])).toMatchObject([{}, { value: 50, limit: null, blocks: false }])
    // What the provider bears is known to all.
    expect(gates.read(LANE, { ...FACTS, gates: [{ ...use, adaptiveLimit: 50 }] }, [])).toMatchObject([{}, { limit: 50, blocks: true }])
  })

  it('knows all where it was told all', () => {
    expect(createLaneGates({ limits: none, limitsFile: 'limits.yaml', maxStreams: 3 }).unknownOf(LANE)).toEqual([])
    const limits = limitsFileSchema.parse(FILE)
    expect(createLaneGates({ limits, limitsFile: 'limits.yaml', maxStreams: undefined }).unknownOf(LANE)).toEqual([])
  })
})
