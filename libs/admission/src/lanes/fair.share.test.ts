import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Lane } from '#libs/kernel'
import { makeLane } from '../testing/make-lane.js'
import { FairShare } from './fair.share.js'

const TYPICAL = { isTypical: true }

interface Running {
  readonly lane: Lane
  readonly endMs: number
}

/** Streams that are never idle, and lanes that always have tasks: how a share works out. Calls take `latencyOf` milliseconds. */
class Workload {
  readonly startedMs = new Map<Lane, number[]>()
  private running: Running[] = []
  private nowMs = 0

  constructor(
    readonly shares: FairShare,
    private readonly streams: number,
    private readonly latencyOf: (lane: Lane) => number,
  ) {}

  run(lanes: readonly Lane[], untilMs: number): void {
    while (this.nowMs < untilMs) {
      while (this.running.length < this.streams) this.start(lanes)
      this.running.sort((a, b) => a.endMs - b.endMs)
      const [ended] = this.running.splice(0, 1)
      this.nowMs = ended!.endMs
      this.shares.end(this.shares.of(ended!.lane), this.latencyOf(ended!.lane), TYPICAL)
    }
  }

  /** Calls of a lane that have started since. */
  callsOf(lane: Lane, sinceMs = 0): number {
    return (this.startedMs.get(lane) ?? []).filter((startMs) => startMs >= sinceMs).length
  }

  private start(lanes: readonly Lane[]): void {
    const first = this.shares.first(lanes.map((lane) => this.shares.of(lane)))!
    const lane = lanes.find((known) => this.shares.of(known) === first)!
    this.shares.start(first, 1)
    this.running.push({ lane, endMs: this.nowMs + this.latencyOf(lane) })
    this.startedMs.set(lane, [...(this.startedMs.get(lane) ?? []), this.nowMs])
  }
}

const [busy, quiet] = [makeLane({ tenant: 'busy' }), makeLane({ tenant: 'quiet' })]
const equal = () => new FairShare(() => 1)

describe(FairShare.name, () => {
  it('gives tenants the same stream-time', () => {
    const load = new Workload(equal(), 10, () => 1_000)
    load.run([busy, quiet], 60_000)
    expect(Math.abs(load.callsOf(busy) - load.callsOf(quiet))).toBeLessThanOrEqual(10)
  })

  it('gives tenants stream-time by their weights', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 2, maxLength: 5 }), (weights) => {
        const lanes = weights.map((_, index) => makeLane({ tenant: `t${index}` }))
        const load = new Workload(new FairShare((tenant) => weights[Number(tenant.slice(1))]!), 7, () => 100)
        load.run(lanes, 100_000)
        const total = weights.reduce((sum, weight) => sum + weight, 0)
        lanes.forEach((lane, index) => {
          const due = (7_000 * weights[index]!) / total
          expect(Math.abs(load.callsOf(lane) - due)).toBeLessThanOrEqual(20)
        })
      }),
      { numRuns: 30 },
    )
  })

  it('divides the time of a tenant between its models, so that a slow one does not keep the fast one waiting', () => {
    const [fast, slow] = [makeLane({ model: 'fast' }), makeLane({ model: 'slow' })]
    const load = new Workload(equal(), 10, ({ model }) => (model === 'slow' ? 30_000 : 1_000))
    load.run([fast, slow], 600_000)
    // Half of the time of ten streams each: 3,000 calls of a second, 100 of half a minute.
    expect(load.callsOf(fast)).toBeGreaterThan(2_500)
    expect(load.callsOf(slow)).toBeGreaterThan(80)
  })

  it('does not let a tenant have more by having more models', () => {
    const models = ['a', 'b', 'c', 'd'].map((model) => makeLane({ tenant: 'busy', model }))
    const load = new Workload(equal(), 10, () => 1_000)
    load.run([...models, quiet], 60_000)
    const ofBusy = models.reduce((sum, lane) => sum + load.callsOf(lane), 0)
    expect(Math.abs(ofBusy - load.callsOf(quiet))).toBeLessThanOrEqual(20)
  })

  it('lets a tenant that has been quiet go first', () => {
    const load = new Workload(equal(), 10, () => 1_000)
    load.run([busy], 60_000)
    load.shares.wake(load.shares.of(quiet))
    expect(load.shares.first([load.shares.of(busy), load.shares.of(quiet)])).toBe(load.shares.of(quiet))
  })

  it('takes no pause for a credit', () => {
    const load = new Workload(equal(), 10, () => 1_000)
    load.run([busy, quiet], 10_000)
    load.run([busy], 100_000)
    load.shares.wake(load.shares.of(quiet))
    load.run([busy, quiet], 120_000)
    // Without `wake` the one that comes back would have all of these 200 calls.
    expect(load.callsOf(busy, 100_000)).toBeGreaterThan(80)
    expect(load.callsOf(quiet, 100_000)).toBeGreaterThan(80)
  })

  it('lets none fall behind for what was only reserved', () => {
    const shares = equal()
    const [ofBusy, ofQuiet] = [shares.of(busy), shares.of(quiet)]
    shares.reserve(ofBusy, 10)
    shares.takeBack(ofBusy, 9)
    shares.begin(ofBusy, 1)
    shares.wake(ofQuiet)
    expect([ofBusy.tenant.used, ofQuiet.tenant.used]).toEqual([1_000, 0])
  })

  it('charges nothing for streams that were not used', () => {
    const shares = equal()
    const share = shares.of(busy)
    shares.start(share, 4)
    shares.takeBack(share, 4)
    expect([share.own.used, share.tenant.used]).toEqual([0, 0])
  })

  it('expects of a call what those before it took, and corrects that when it ends', () => {
    const shares = equal()
    const share = shares.of(busy)
    for (let call = 0; call < 100; call++) {
      shares.start(share, 1)
      shares.end(share, 5_000, TYPICAL)
    }
    expect(share.route.meanMs).toBeCloseTo(5_000, -1)
    expect(share.own.used).toBeCloseTo(500_000, 0)
  })

  it('learns nothing from calls that no server has answered', () => {
    const shares = equal()
    const share = shares.of(busy)
    for (let call = 0; call < 100; call++) {
      shares.start(share, 1)
      shares.end(share, 1, { isTypical: false })
    }
    expect(share.route.meanMs).toBe(1_000)
    expect(share.own.used).toBeCloseTo(100, 5)
  })

  it('keeps the name of a lane only, not the task that it was told of', () => {
    const task = { ...busy, payload: 'x'.repeat(100) }
    expect(equal().of(task).lane).toEqual(busy)
  })

  it('knows each lane once, and its route from all its tenants', () => {
    const shares = equal()
    expect(shares.of(busy)).toBe(shares.of({ ...busy }))
    expect(shares.of(busy).route).toBe(shares.of(quiet).route)
    expect(shares.first([])).toBeUndefined()
  })

  it('keeps the turn of a lane that waits for what others use up, but not for ever', () => {
    const shares = equal()
    const [ofBusy, ofQuiet] = [shares.of(busy), shares.of(quiet)]
    const run = (calls: number) => {
      for (let call = 0; call < calls; call++) {
        shares.start(ofBusy, 1)
        shares.end(ofBusy, 1_000, TYPICAL)
        shares.keepTurn(ofQuiet)
      }
    }
    run(5)
    expect(shares.inOrder([{ share: ofBusy }, { share: ofQuiet }])).toEqual([{ share: ofQuiet }, { share: ofBusy }])
    expect(ofBusy.tenant.used - ofQuiet.tenant.used).toBe(5_000)
    run(50)
    expect(ofBusy.tenant.used - ofQuiet.tenant.used).toBe(11_000)
    shares.wake(ofQuiet)
    expect(ofBusy.tenant.used - ofQuiet.tenant.used).toBe(1_000)
  })
})
