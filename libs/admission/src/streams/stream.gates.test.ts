import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeLane } from '../testing/make-lane.js'
import { FakeCluster } from '../../../../test/fakes/fake-admission.cluster.js'
import { StreamGates } from './stream.gates.js'

const LANE = makeLane()
const GATE = 'credential:gigachat'

const makeGates = (limit: number, leaseId = (): number | null => 1) =>
  new StreamGates({ gatesOf: () => [{ gate: GATE, limit }], leaseId, raiseEveryMs: 1_000 })

function joinCluster(cluster: FakeCluster, limit: number) {
  const { lease, store } = cluster.join()
  const gates = makeGates(limit, () => store.leaseId)
  gates.add({ gate: GATE, limit })
  /** `calls` wait for streams. */
  const balance = async (calls: number, { loseAnswer = false } = {}) => {
    const demands = gates.makeDemands(store.leaseId, calls > 0 ? [{ lane: LANE, calls }] : [])
    const result = await store.balance(demands, (state) => gates.decide(state))
    return loseAnswer ? undefined : gates.apply(result)
  }
  return { lease, gates, balance }
}

describe(StreamGates.name, () => {
  it('has nothing before a balance', () => {
    const gates = makeGates(3)
    expect(gates.freeOf(LANE)).toBe(0)
    expect(gates.keptOf(LANE)).toBe(0)
  })

  it('has all streams where it is alone, wanted or not', async () => {
    const { gates, balance } = joinCluster(new FakeCluster(), 3)
    await balance(0)
    expect(gates).toMatchObject({ kept: 3, inUse: 0, isOwed: false })
    gates.take(LANE, 2)
    expect(gates.freeOf(LANE)).toBe(1)
    gates.give(LANE, 2)
    expect(gates.freeOf(LANE)).toBe(3)
  })

  it('gives back at once what is idle and too much, and the rest as calls end', async () => {
    const cluster = new FakeCluster()
    const one = joinCluster(cluster, 4)
    const two = joinCluster(cluster, 4)
    await one.balance(9)
    one.gates.take(LANE, 3)
    await two.balance(9)
    expect(two.gates).toMatchObject({ kept: 0, isOwed: true })
    // One of its four is idle: there is something to tell at once.
    await expect(one.balance(9)).resolves.toBe(true)
    expect(one.gates.kept).toBe(3)
    await expect(one.balance(9)).resolves.toBe(false)
    one.gates.give(LANE, 2)
    expect(one.gates.kept).toBe(2)
    await one.balance(9)
    await two.balance(9)
    expect(two.gates).toMatchObject({ kept: 2, isOwed: false })
  })

  it('takes a stream of the gates of its model and tenant together', () => {
    const gates = new StreamGates({
      gatesOf: ({ model }) => [{ gate: GATE, limit: 10 }, ...(model === 'slow' ? [{ gate: 'model:gigachat/slow', limit: 2 }] : [])],
      leaseId: () => 1,
      raiseEveryMs: 1_000,
    })
    const slow = makeLane({ model: 'slow' })
    gates.add({ gate: GATE, limit: 10 })
    gates.freeOf(slow)
    gates.makeDemands(1, [])
    const shares = [
      { gate: GATE, streams: 10, fair: 10, adaptiveLimit: null },
      { gate: 'model:gigachat/slow', streams: 2, fair: 2, adaptiveLimit: null },
    ]
    gates.apply({ leaseId: 1, shares })
    gates.take(slow, 2)
    expect([gates.freeOf(slow), gates.freeOf(LANE), gates.keptOf(slow)]).toEqual([0, 8, 2])
    // Streams of the credential only: the others are the same calls.
    expect(gates).toMatchObject({ kept: 10, inUse: 2 })
    expect(gates.makeDemands(1, [{ lane: slow, calls: Infinity }])).toEqual([
      { gate: GATE, kept: 10, inUse: 2, wanted: 10 },
      { gate: 'model:gigachat/slow', kept: 2, inUse: 2, wanted: 2 },
    ])
  })

  it('lets an idle stream rest until the next balance', async () => {
    const { gates, balance } = joinCluster(new FakeCluster(), 3)
    await balance(9)
    gates.take(LANE, 2)
    gates.rest(LANE)
    expect([gates.kept, gates.freeOf(LANE)]).toEqual([2, 0])
    gates.rest(LANE)
    expect(gates.kept).toBe(2)
    await balance(9)
    expect(gates.freeOf(LANE)).toBe(1)
  })

  it('throws where more is given back than is in use', () => {
    const gates = makeGates(3)
    expect(() => gates.give(LANE, 1)).toThrow('1 streams of credential:gigachat were given back, but only 0 are in use')
  })

  it('keeps what it has when an answer is lost, and loses nothing', async () => {
    const cluster = new FakeCluster()
    const { gates, balance } = joinCluster(cluster, 4)
    await balance(9, { loseAnswer: true })
    expect([gates.kept, cluster.grantedOf(GATE)]).toEqual([0, 4])
    await balance(9)
    expect(gates.kept).toBe(4)
  })

  it('starts again with nothing under another lease, whatever is still in use', async () => {
    const cluster = new FakeCluster()
    const { gates, balance, lease } = joinCluster(cluster, 4)
    await balance(9)
    gates.take(LANE, 1)
    cluster.reap(lease.fence!)
    await balance(9)
    expect([gates.kept, gates.freeOf(LANE)]).toEqual([1, 0])
    lease.fence = cluster.takeLease()
    await balance(9)
    expect([gates.kept, cluster.grantedOf(GATE)]).toEqual([4, 4])
  })

  it('starts nothing on what was granted under a lease that is lost, before the next balance either', async () => {
    const cluster = new FakeCluster()
    const one = joinCluster(cluster, 4)
    const two = joinCluster(cluster, 4)
    await one.balance(9)
    cluster.reap(one.lease.fence!)
    one.lease.fence = null
    expect(one.gates.freeOf(LANE)).toBe(0)
    await two.balance(9)
    two.gates.take(LANE, 4)
    one.lease.fence = cluster.takeLease()
    expect(one.gates.freeOf(LANE)).toBe(0)
    await one.balance(9)
    expect([one.gates.kept, one.gates.freeOf(LANE)]).toEqual([0, 0])
  })

  it('does not apply what was granted under a lease that it has lost meanwhile', async () => {
    const cluster = new FakeCluster()
    const { gates, balance } = joinCluster(cluster, 4)
    await balance(9)
    gates.makeDemands(99, [])
    expect(gates.apply({ leaseId: 1, shares: [{ gate: GATE, streams: 4, fair: 4, adaptiveLimit: null }] })).toBe(false)
    expect(gates.kept).toBe(0)
  })

  it('never has more than it was granted, and all together never more than there are', async () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('balance' as const),
        replica: fc.nat({ max: 3 }),
        count: fc.nat({ max: 12 }),
        loseAnswer: fc.boolean(),
      }),
      fc.record({ kind: fc.constantFrom('take' as const, 'give' as const), replica: fc.nat({ max: 3 }), count: fc.nat({ max: 6 }) }),
      fc.record({ kind: fc.constant('reap' as const), replica: fc.nat({ max: 3 }), count: fc.constant(0) }),
      fc.record({ kind: fc.constant('lower' as const), replica: fc.nat({ max: 3 }), count: fc.nat({ max: 5_000 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 80 }), async (limit, steps) => {
        const cluster = new FakeCluster()
        const { store } = cluster.join()
        const replicas = Array.from({ length: 4 }, () => joinCluster(cluster, limit))
        for (const taken of steps) {
          const { gates, balance, lease } = replicas[taken.replica]!
          if (taken.kind === 'balance') await balance(taken.count, taken)
          else if (taken.kind === 'take') gates.take(LANE, Math.min(taken.count, Math.max(0, gates.freeOf(LANE))))
          else if (taken.kind === 'give') gates.give(LANE, Math.min(taken.count, gates.inUse))
          else if (taken.kind === 'lower') {
            await store.lowerLimit(GATE, { ageMs: 0, from: limit, factor: 0.7 })
            cluster.clock.advance(taken.count)
          } else {
            // The calls that were under way are aborted with the lease.
            gates.give(LANE, gates.inUse)
            cluster.reap(lease.fence!)
            await balance(0)
            lease.fence = cluster.takeLease()
          }
          expect(cluster.grantedOf(GATE)).toBeLessThanOrEqual(limit)
          expect(replicas.reduce((sum, replica) => sum + replica.gates.kept, 0)).toBeLessThanOrEqual(cluster.grantedOf(GATE))
          for (const replica of replicas) expect(replica.gates.inUse).toBeLessThanOrEqual(replica.gates.kept)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('says that all streams are wanted where nobody knows how many calls there are', () => {
    const gates = makeGates(5)
    gates.add({ gate: GATE, limit: 5 })
    expect(gates.makeDemands(1, [{ lane: LANE, calls: Number.POSITIVE_INFINITY }])).toEqual([{ gate: GATE, kept: 0, inUse: 0, wanted: 5 }])
    expect(gates.all).toHaveLength(1)
  })
})
