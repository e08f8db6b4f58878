import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Lane } from '#libs/kernel'
import { FakeCluster } from '../../../../test/fakes/fake-admission.cluster.js'
import type { GateLimit } from '../limits/limits.js'
import { makeLane } from '../testing/make-lane.js'
import { StreamGates } from './stream.gates.js'

const TICK_MS = 250

/** A replica that has tasks of one lane without end. The gates of a lane are those which its model names. */
function joinCluster(cluster: FakeCluster, limits: ReadonlyMap<string, number>) {
  const { store } = cluster.join()
  const gatesOf = ({ model }: Lane): GateLimit[] => model.split('+').map((gate) => ({ gate, limit: limits.get(gate)! }))
  const gates = new StreamGates({ gatesOf, leaseId: () => store.leaseId, raiseEveryMs: 1_000 })
  const calls: { readonly lane: Lane; readonly endsAtMs: number }[] = []
  let starts = 0
  return {
    gates,
    get starts() {
      return starts
    },
    async balance(lane: Lane) {
      gates.apply(await store.balance(gates.makeDemands(store.leaseId, [{ lane, calls: 5 }]), (state) => gates.decide(state)))
    },
    endCalls() {
      const ended = calls.filter(({ endsAtMs }) => endsAtMs <= cluster.clock.nowMs())
      for (const call of ended) {
        gates.give(call.lane, 1)
        calls.splice(calls.indexOf(call), 1)
      }
    },
    startCalls(lane: Lane, lastsMs: number) {
      while (gates.freeOf(lane) > 0) {
        gates.take(lane, 1)
        calls.push({ lane, endsAtMs: cluster.clock.nowMs() + lastsMs })
        starts++
      }
    },
  }
}

const lane = (...gates: readonly string[]) => makeLane({ model: gates.join('+') })
const NAMES = ['credential', 'model', 'tenant', 'other']
const someGates = fc.subarray(NAMES, { minLength: 1 })
const replica = fc.record({ warmed: someGates, wants: someGates, lastsTicks: fc.integer({ min: 1, max: 12 }) })

describe('gates with fewer streams than replicas', () => {
  it('does not swap two gates for ever between two replicas that need both', async () => {
    const cluster = new FakeCluster()
    const limits = new Map([
      ['model', 1],
      ['tenant', 1],
    ])
    const [one, two] = [joinCluster(cluster, limits), joinCluster(cluster, limits)]
    await one.balance(lane('model'))
    await two.balance(lane('tenant'))
    const both = lane('model', 'tenant')
    for (let tick = 0; tick < 120; tick++) {
      for (const each of [one, two]) {
        each.endCalls()
        await each.balance(both)
        each.startCalls(both, TICK_MS)
      }
      cluster.clock.advance(TICK_MS)
    }
    expect(Math.min(one.starts, two.starts)).toBeGreaterThan(10)
  })

  it('lets every replica start calls within bounded time, never more than there are streams', async () => {
    const limitsOf = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: NAMES.length, maxLength: NAMES.length })
    await fc.assert(
      fc.asyncProperty(limitsOf, fc.array(replica, { minLength: 2, maxLength: 5 }), async (numbers, plans) => {
        const cluster = new FakeCluster()
        const limits = new Map(NAMES.map((name, index) => [name, numbers[index]!]))
        const replicas = plans.map((plan) => ({ parts: joinCluster(cluster, limits), plan, startedAtMs: cluster.clock.nowMs() }))
        for (const { parts, plan } of replicas) await parts.balance(lane(...plan.warmed))
        for (let tick = 0; tick < 480; tick++) {
          for (const each of replicas) {
            const { parts, plan } = each
            const wanted = lane(...plan.wants)
            const before = parts.starts
            parts.endCalls()
            await parts.balance(wanted)
            parts.startCalls(wanted, plan.lastsTicks * TICK_MS)
            if (parts.starts > before) each.startedAtMs = cluster.clock.nowMs()
            // It has starved for 5 s, then each of the others had its turn first, and each turn ends with the longest call.
            expect(cluster.clock.nowMs() - each.startedAtMs).toBeLessThanOrEqual(5_000 + plans.length * 2 * (12 + 2) * TICK_MS)
          }
          for (const name of NAMES) {
            const inUse = replicas.flatMap(({ parts }) => parts.gates.all.filter(({ gate }) => gate === name).map((gate) => gate.inUse))
            expect(inUse.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(limits.get(name)!)
            expect(cluster.grantedOf(name)).toBeLessThanOrEqual(limits.get(name)!)
          }
          cluster.clock.advance(TICK_MS)
        }
      }),
      { numRuns: 60 },
    )
  })
})
