import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LimitReads, type LimitFacts, type LimitKeys, type WaitingLane } from '#libs/kernel'
import { AdmissionEvents } from '../admission.events.js'
import { limitsFileSchema } from '../limits/limits.schema.js'
import { Limits } from '../limits/limits.js'
import { makeLane } from '../testing/make-lane.js'
import { LimitGates } from './limit.gates.js'
import { LimitWatch } from './limit.watch.js'

const PATIENCE_MS = 2_000
const NOTHING = { meters: [], blocked: [] }

class FakeReads extends LimitReads {
  answer: Promise<WaitingLane[]> = Promise.resolve([])
  readonly looks: number[] = []
  readonly keys: LimitKeys[] = []

  listWaitingLanes(maxTasks: number): Promise<WaitingLane[]> {
    this.looks.push(maxTasks)
    return this.answer
  }

  read(keys: LimitKeys): Promise<LimitFacts> {
    this.keys.push(keys)
    const grants = [{ leaseId: 1, streams: 1, inUse: 1, wanted: 1, starvedMs: 0 }]
    const calls = [{ lane: makeLane({ model: 'slow' }), calls: 1 }]
    return Promise.resolve({
      nowMs: 0,
      calls,
      routes: [],
      levels: [],
      gates: keys.gates.map((gate) => ({ gate, adaptiveLimit: null, grants })),
    })
  }
}

function makeWaiting(model: string, dueTasks: number): WaitingLane {
  const lane = makeLane({ model })
  return { lane, dueTasks, first: { id: 1, lane, estimatedTokens: 1, needsCall: true } }
}

function openWatch(file: object = {}) {
  const limits = new Limits(limitsFileSchema.parse(file), 1)
  const reads = new FakeReads()
  const events = new AdmissionEvents()
  const failures: unknown[] = []
  events.on('failed', (error) => failures.push(error))
  const watch = new LimitWatch({ reads, limits, gates: new LimitGates({ limits, ratioOf: () => 1 }), events, patienceMs: PATIENCE_MS })
  return { watch, reads, failures }
}

describe(LimitWatch.name, () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('counts lanes and tasks at each gate that blocks them', async () => {
    const { watch, reads } = openWatch({ credentials: { gigachat: { models: { slow: { max_streams: 1 } } } } })
    reads.answer = Promise.resolve([makeWaiting('slow', 3), makeWaiting('fast', 4)])
    await expect(watch.look()).resolves.toEqual({
      meters: [],
      blocked: [
        { gate: 'credential:gigachat', lanes: 2, tasks: 7 },
        { gate: 'model:gigachat/slow', lanes: 1, tasks: 3 },
      ],
    })
    expect(reads.keys[0]!.gates).toEqual(['credential:gigachat', 'model:gigachat/slow'])
  })

  it('tells every meter, also of models and tenants that nobody uses', async () => {
    const file = {
      credentials: { gigachat: { tokens_per_minute: 1_200, models: { m: { requests_per_minute: 60 } } } },
      tenants: { acme: { budget: { tokens_per_day: 5, money_per_day: 6 } }, other: {} },
    }
    await expect(openWatch(file).watch.look()).resolves.toMatchObject({
      meters: [
        { gate: 'tokens:gigachat', value: 100, limit: 1_200, counts: 'free' },
        { gate: 'requests:gigachat/m', value: 5, limit: 60, counts: 'free' },
        { gate: 'budget_tokens:acme', value: 0, limit: 5, counts: 'spent' },
        { gate: 'budget_money:acme', value: 0, limit: 6, counts: 'spent' },
      ],
    })
  })

  it('looks once for all who ask at the same time', async () => {
    const { watch, reads } = openWatch()
    await Promise.all([watch.look(), watch.look(), watch.look()])
    expect(reads.looks).toHaveLength(1)
    await watch.look()
    expect(reads.looks).toHaveLength(2)
  })

  it('shows nothing while PostgreSQL is away, and says so', async () => {
    const { watch, reads, failures } = openWatch()
    reads.answer = Promise.reject(new Error('away'))
    await expect(watch.look()).resolves.toEqual(NOTHING)
    expect(failures).toMatchObject([{ message: 'away' }])
  })

  it('waits for a slow PostgreSQL no longer than it may, and asks it nothing more meanwhile', async () => {
    const { watch, reads } = openWatch()
    reads.answer = new Promise(() => {})
    const looked = Promise.all([watch.look(), watch.look()])
    await vi.advanceTimersByTimeAsync(PATIENCE_MS)
    await expect(looked).resolves.toEqual([NOTHING, NOTHING])
    void watch.look()
    expect(reads.looks).toHaveLength(1)
  })
})
