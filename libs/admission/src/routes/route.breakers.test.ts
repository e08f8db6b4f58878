import { describe, expect, it, vi } from 'vitest'
import { TaskError, type RouteState } from '#libs/kernel'
import { AdmissionEvents } from '../admission.events.js'
import { makeLane } from '../testing/make-lane.js'
import { FakeCluster } from '../../../../test/fakes/fake-admission.cluster.js'
import { RouteBreakers } from './route.breakers.js'

const ROUTE = makeLane()
const OTHER = makeLane({ model: 'GigaChat-2-Max' })
const SETTINGS = { failures: 3, openMs: 1_000, maxOpenMs: 4_000, unpaidMs: 10_000, maxUnpaidMs: 20_000 }

function joinCluster(cluster: FakeCluster) {
  const { lease, store } = cluster.join()
  const events = new AdmissionEvents()
  const changes: RouteState['status'][] = []
  const failures: unknown[] = []
  events.on('routeChanged', ({ status }) => changes.push(status))
  events.on('failed', (error) => failures.push(error))
  const breakers = new RouteBreakers({ store, clock: cluster.clock, events, settings: SETTINGS })
  const fail = async (times = 1, heldMs = 0) => {
    for (let call = 0; call < times; call++) breakers.note(ROUTE, { verdict: 'away', reason: 'llm_server_error', heldMs })
    await breakers.whenReported()
  }
  const succeed = async (heldMs = 0) => {
    breakers.note(ROUTE, { verdict: 'works', heldMs })
    await breakers.whenReported()
  }
  return { lease, store, breakers, changes, failures, fail, succeed }
}

/** Two replicas; the first has opened the route, and its time is up. */
async function openTwo() {
  const cluster = new FakeCluster()
  const [one, two] = [joinCluster(cluster), joinCluster(cluster)]
  await one.fail(SETTINGS.failures)
  await two.breakers.refresh()
  cluster.clock.advance(SETTINGS.openMs)
  return { cluster, one, two }
}

const away = () => Promise.reject(TaskError.unavailable('ledger_unavailable', 'PostgreSQL is away'))

describe(RouteBreakers.name, () => {
  it('admits calls of a route that nobody has complained of', () => {
    const { breakers } = joinCluster(new FakeCluster())
    expect(breakers.admits(ROUTE)).toBe('calls')
    expect(breakers.all).toEqual([])
    expect(breakers.nextProbeMs([ROUTE])).toBe(Number.POSITIVE_INFINITY)
  })

  it('opens after so many failures in a row of all replicas together', async () => {
    const cluster = new FakeCluster()
    const [one, two] = [joinCluster(cluster), joinCluster(cluster)]
    await one.fail(2)
    expect(one.breakers.admits(ROUTE)).toBe('calls')
    await two.fail()
    expect(two.breakers.admits(ROUTE)).toBe('nothing')
    expect(one.breakers.admits(ROUTE)).toBe('calls')
    await one.breakers.refresh()
    expect(one.breakers.admits(ROUTE)).toBe('nothing')
    expect(one.breakers.admits(OTHER)).toBe('calls')
    expect([one.changes, two.changes]).toEqual([['open'], ['open']])
  })

  it('does not count failures between which a call has succeeded', async () => {
    const { breakers, fail, succeed } = joinCluster(new FakeCluster())
    for (let turn = 0; turn < 5; turn++) {
      await fail(2)
      await succeed()
    }
    expect(breakers.admits(ROUTE)).toBe('calls')
  })

  it('leaves a route alone for as long as was asked on its last stream, up to the longest period, and again when its probe is refused', async () => {
    const cluster = new FakeCluster()
    const { breakers, succeed } = joinCluster(cluster)
    const refuse = async (verdict: 'busy' | 'exhausted', retryAfterMs: number) => {
      breakers.note(ROUTE, { verdict, reason: 'llm_rate_limited', heldMs: 0, retryAfterMs })
      await breakers.whenReported()
    }
    const probe = async () => {
      await breakers.seekProbes([ROUTE])
      breakers.useProbe(ROUTE)
    }
    await refuse('busy', 1_500)
    expect(breakers.admits(ROUTE)).toBe('calls')
    await refuse('exhausted', 1_500)
    expect([breakers.admits(ROUTE), breakers.nextProbeMs([ROUTE])]).toEqual(['nothing', 1_500])
    cluster.clock.advance(1_500)
    await probe()
    await refuse('busy', 3_600_000)
    expect([breakers.admits(ROUTE), breakers.nextProbeMs([ROUTE])]).toEqual(['nothing', SETTINGS.maxOpenMs])
    cluster.clock.advance(SETTINGS.maxOpenMs)
    await probe()
    await succeed()
    expect(breakers.admits(ROUTE)).toBe('calls')
  })

  it('counts refusals on the last stream where nobody says for how long', async () => {
    const { breakers } = joinCluster(new FakeCluster())
    for (let call = 1; call <= SETTINGS.failures; call++) {
      expect(breakers.admits(ROUTE)).toBe('calls')
      breakers.note(ROUTE, { verdict: 'exhausted', reason: 'llm_rate_limited', heldMs: 0 })
      await breakers.whenReported()
    }
    expect([breakers.admits(ROUTE), breakers.nextProbeMs([ROUTE])]).toEqual(['nothing', SETTINGS.openMs])
  })

  it('counts failures between which the provider was only busy', async () => {
    const { breakers, fail } = joinCluster(new FakeCluster())
    for (let turn = 0; turn < SETTINGS.failures; turn++) {
      await fail()
      breakers.note(ROUTE, { verdict: 'busy', reason: 'llm_rate_limited', heldMs: 0 })
      await breakers.whenReported()
    }
    expect(breakers.admits(ROUTE)).toBe('nothing')
  })

  it('opens at once where a model must be paid for', async () => {
    const { breakers } = joinCluster(new FakeCluster())
    breakers.note(ROUTE, { verdict: 'unpaid', reason: 'llm_payment_required', heldMs: 0 })
    await breakers.whenReported()
    expect(breakers.admits(ROUTE)).toBe('nothing')
    expect(breakers.nextProbeMs([ROUTE])).toBe(SETTINGS.unpaidMs)
    expect(breakers.makeRefusal(ROUTE)).toMatchObject({
      code: 'route_closed',
      retryable: true,
      retryAfterMs: SETTINGS.unpaidMs,
      message: 'calls of gigachat GigaChat-2 are held back (llm_payment_required); the next is tried in 10000 ms',
    })
  })

  it('reports failures of one route together while a report is under way', async () => {
    const { store, breakers, fail } = joinCluster(new FakeCluster())
    const report = vi.spyOn(store, 'reportFailure')
    await fail(8)
    expect(report.mock.calls.map(([{ failures }]) => failures)).toEqual([8])
    expect(breakers.all).toMatchObject([{ failures: 8, status: 'open' }])
  })

  it('lets one replica of all have the probe, once the time is up', async () => {
    const { cluster, one, two } = await openTwo()
    cluster.clock.advance(-1)
    await expect(one.breakers.seekProbes([ROUTE])).resolves.toBe(false)
    expect(one.breakers.nextProbeMs([ROUTE])).toBe(1)
    cluster.clock.advance(1)
    const taken = [await one.breakers.seekProbes([ROUTE, ROUTE]), await two.breakers.seekProbes([ROUTE])]
    expect(taken).toEqual([true, false])
    expect([one.breakers.admits(ROUTE), two.breakers.admits(ROUTE)]).toEqual(['probe', 'nothing'])
    one.breakers.useProbe(ROUTE)
    expect(one.breakers.admits(ROUTE)).toBe('nothing')
    await one.breakers.refresh()
    expect(one.breakers.admits(ROUTE)).toBe('nothing')
  })

  it('does not look more often because another replica probes', async () => {
    const { one, two } = await openTwo()
    await one.breakers.seekProbes([ROUTE])
    await two.breakers.refresh()
    expect(two.breakers.nextProbeMs([ROUTE])).toBe(Number.POSITIVE_INFINITY)
  })

  it('closes when the probe comes back, everywhere', async () => {
    const { one, two, cluster } = await openTwo()
    await one.breakers.seekProbes([ROUTE])
    one.breakers.useProbe(ROUTE)
    cluster.clock.advance(500)
    await one.succeed(400)
    await two.breakers.refresh()
    expect([one.breakers.admits(ROUTE), two.breakers.admits(ROUTE)]).toEqual(['calls', 'calls'])
    expect(one.changes).toEqual(['open', 'half_open', 'closed'])
    expect(two.breakers.all).toEqual([])
  })

  it('opens for twice as long when the probe fails, up to a bound', async () => {
    const { one, cluster } = await openTwo()
    const periods = []
    for (let probe = 0; probe < 4; probe++) {
      await one.breakers.seekProbes([ROUTE])
      one.breakers.useProbe(ROUTE)
      await one.fail()
      periods.push(one.breakers.nextProbeMs([ROUTE]))
      cluster.clock.advance(periods.at(-1)!)
    }
    expect(periods).toEqual([2_000, 4_000, 4_000, 4_000])
  })

  it('gives back a probe that was never sent: any replica may send one', async () => {
    const { one, two } = await openTwo()
    await one.breakers.seekProbes([ROUTE])
    one.breakers.useProbe(ROUTE)
    one.breakers.holdProbe(ROUTE)
    expect(one.breakers.admits(ROUTE)).toBe('probe')
    await one.breakers.returnProbe(ROUTE)
    expect(one.breakers.admits(ROUTE)).toBe('nothing')
    await expect(two.breakers.seekProbes([ROUTE])).resolves.toBe(true)
  })

  it('has the probe again when the call for it was broken off here', async () => {
    const { one } = await openTwo()
    await one.breakers.seekProbes([ROUTE])
    one.breakers.useProbe(ROUTE)
    one.breakers.note(ROUTE, { verdict: 'nothing', heldMs: 0 })
    expect(one.breakers.admits(ROUTE)).toBe('probe')
  })

  it('returns a probe that has been of no use for a while, and keeps one that is of use or was sent', async () => {
    const { one, two, cluster } = await openTwo()
    await one.breakers.seekProbes([ROUTE])
    await one.breakers.returnProbes(() => false)
    cluster.clock.advance(2_000)
    await one.breakers.returnProbes(() => true)
    expect(one.breakers.admits(ROUTE)).toBe('probe')
    await one.breakers.returnProbes(() => false)
    expect(one.breakers.admits(ROUTE)).toBe('nothing')
    await two.breakers.seekProbes([ROUTE])
    two.breakers.useProbe(ROUTE)
    cluster.clock.advance(60_000)
    await two.breakers.returnProbes(() => false)
    await expect(one.breakers.seekProbes([ROUTE])).resolves.toBe(false)
  })

  it('learns nothing from calls that were sent before the route opened, however they end', async () => {
    const { one, two, cluster } = await openTwo()
    await one.succeed(5_000)
    expect(one.breakers.admits(ROUTE)).toBe('nothing')
    await one.breakers.seekProbes([ROUTE])
    one.breakers.useProbe(ROUTE)
    await two.breakers.refresh()
    cluster.clock.advance(100)
    // One and two: old calls end while the probe of the first is under way.
    one.breakers.note(ROUTE, { verdict: 'nothing', heldMs: 5_000 })
    await one.fail(3, 5_000)
    await two.fail(3, 5_000)
    await two.succeed(5_000)
    expect(one.breakers.admits(ROUTE)).toBe('nothing')
    await expect(two.breakers.seekProbes([ROUTE])).resolves.toBe(false)
    await one.succeed(100)
    expect(one.breakers.admits(ROUTE)).toBe('calls')
  })

  it('does not close a route by an old call of a replica that has not heard that it opened', async () => {
    const cluster = new FakeCluster()
    const [one, two] = [joinCluster(cluster), joinCluster(cluster)]
    await two.fail()
    await one.fail(2)
    await two.succeed()
    await two.breakers.refresh()
    expect(two.breakers.admits(ROUTE)).toBe('nothing')
  })

  it('does not open a route for longer by an old call of a replica that has not heard that it is probed', async () => {
    const cluster = new FakeCluster()
    const [one, two] = [joinCluster(cluster), joinCluster(cluster)]
    await one.fail(3)
    cluster.clock.advance(SETTINGS.openMs)
    await one.breakers.seekProbes([ROUTE])
    one.breakers.useProbe(ROUTE)
    await two.fail(3)
    await one.succeed()
    await two.breakers.refresh()
    expect([one.breakers.admits(ROUTE), two.breakers.admits(ROUTE)]).toEqual(['calls', 'calls'])
  })

  it('does not take over a view that is older than what was reported meanwhile', async () => {
    const { store, breakers, fail, changes } = joinCluster(new FakeCluster())
    await fail(2)
    const read = Promise.withResolvers<RouteState[]>()
    const old = await store.readRoutes()
    vi.spyOn(store, 'readRoutes').mockReturnValueOnce(read.promise)
    const refreshed = breakers.refresh()
    await fail()
    read.resolve(old)
    await refreshed
    expect(breakers.admits(ROUTE)).toBe('nothing')
    expect(changes).toEqual(['open'])
  })

  it('does not take over a view while a report is under way', async () => {
    const { store, breakers, changes } = joinCluster(new FakeCluster())
    const report = Promise.withResolvers<RouteState>()
    vi.spyOn(store, 'reportFailure').mockReturnValueOnce(report.promise)
    breakers.note(ROUTE, { verdict: 'away', reason: 'llm_server_error', heldMs: 0 })
    await breakers.refresh()
    const { provider, model } = ROUTE
    const opened = { failures: 9, reason: 'llm_server_error', openMs: 1_000, leftMs: 1_000, isOwnProbe: false } as const
    report.resolve({ provider, model, status: 'open', ...opened })
    await breakers.whenReported()
    expect([breakers.admits(ROUTE), changes]).toEqual(['nothing', ['open']])
  })

  it('drops failures that were not reported yet when a call succeeds', async () => {
    const { store, breakers, succeed } = joinCluster(new FakeCluster())
    const report = vi.spyOn(store, 'reportFailure')
    breakers.note(ROUTE, { verdict: 'away', reason: 'llm_server_error', heldMs: 0 })
    await succeed()
    expect(report).not.toHaveBeenCalled()
  })

  it('goes on with what it knows while PostgreSQL is away, and says so', async () => {
    const { store, breakers, fail, failures } = joinCluster(new FakeCluster())
    vi.spyOn(store, 'reportFailure').mockImplementation(away)
    vi.spyOn(store, 'readRoutes').mockImplementation(away)
    await fail(5)
    expect(failures).toHaveLength(1)
    await expect(breakers.refresh()).rejects.toMatchObject({ code: 'ledger_unavailable' })
    expect(breakers.admits(ROUTE)).toBe('calls')
  })

  it('has the probe still when it could not be given back', async () => {
    const { one } = await openTwo()
    await one.breakers.seekProbes([ROUTE])
    vi.spyOn(one.store, 'returnProbe').mockImplementationOnce(away)
    await expect(one.breakers.returnProbe(ROUTE)).rejects.toMatchObject({ code: 'ledger_unavailable' })
    await one.breakers.refresh()
    expect(one.breakers.admits(ROUTE)).toBe('probe')
  })

  it('lets another replica probe when the holder of the probe has lost its lease', async () => {
    const { one, two, cluster } = await openTwo()
    await one.breakers.seekProbes([ROUTE])
    one.breakers.useProbe(ROUTE)
    cluster.reap(one.lease.fence!)
    await expect(two.breakers.seekProbes([ROUTE])).resolves.toBe(true)
    // The one that is too late says nothing any more.
    one.lease.fence = cluster.takeLease()
    await one.succeed()
    await one.breakers.refresh()
    expect([one.breakers.admits(ROUTE), two.breakers.admits(ROUTE)]).toEqual(['nothing', 'probe'])
  })
})
