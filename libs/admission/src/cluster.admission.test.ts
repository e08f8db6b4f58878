import { describe, expect, it, vi } from 'vitest'
import { TaskError, type ClaimedTask, type ClaimRoom, type Lane, type Metering } from '#libs/kernel'
import { makeClaimedTask } from '../../../test/factories/claimed-task.factory.js'
import { ClusterAdmission } from './cluster.admission.js'
import { makeLane } from './testing/make-lane.js'
import { openAdmission } from '../../../test/factories/admission.factory.js'

const [a, b] = [makeLane({ tenant: 'a' }), makeLane({ tenant: 'b' })]
const slow = makeLane({ tenant: 'a', model: 'slow' })
const never = () => new AbortController().signal
const SERVER_ERROR = TaskError.unavailable('llm_server_error', '500')
const FAILED = { heldMs: 0, call: { kind: 'refused', error: SERVER_ERROR } } as const
const ANSWERED = { heldMs: 0, call: { kind: 'answered' } } as const

/** What a claim's meters say of lanes of which not all have passed, and which may ask again at once. */
const PASSED_ONE: Metering = {
  meters: [],
  admit: () => ({ admitted: [], changes: [] }),
  refusalOf: () => ({ gate: 'requests:gigachat', value: 0, limit: 1, waitMs: 0 }),
  mayLookFurther: () => false,
}

/** As many tasks of each lane as there was room for. */
const claimAll = ({ lanes }: ClaimRoom, fields: Partial<ClaimedTask> = {}): ClaimedTask[] =>
  lanes.flatMap(({ tasks, provider, model, tenant }) =>
    Array.from({ length: tasks }, () => makeClaimedTask({ provider, model, tenant, ...fields })),
  )

/** A meter lets one task of a lane pass, and no other one; returns its tenant. */
function passOne(admission: ClusterAdmission, room: ClaimRoom, { tenant }: Pick<Lane, 'tenant'>): string {
  const [task] = claimAll(room).filter((claimed) => claimed.tenant === tenant) as [ClaimedTask]
  admission.settleRoom({ ...room, metering: PASSED_ONE }, [task])
  admission.release(task, { heldMs: 1_000, call: { kind: 'answered' } })
  return tenant
}

const tasksOf = ({ lanes }: ClaimRoom) => Object.fromEntries(lanes.map(({ tenant, model, tasks }) => [`${tenant}/${model}`, tasks]))

async function openClosedRoute(lane: Lane) {
  const opened = openAdmission()
  await opened.offer(lane)
  for (let call = 0; call < 2; call++) {
    await opened.admission.acquire(lane, never())
    opened.admission.release(lane, FAILED)
  }
  await opened.breakers.whenReported()
  return opened
}

/** The same, and this replica has the right to the probe. */
async function openProbed(lane: Lane) {
  const opened = await openClosedRoute(lane)
  opened.cluster.clock.advance(1_000)
  await opened.breakers.seekProbes([lane])
  return opened
}

describe(ClusterAdmission.name, () => {
  it('admits nothing before it has streams', () => {
    const { admission } = openAdmission()
    admission.notice([a])
    expect(admission.takeRoom(10)).toEqual({ kind: 'due', tasks: 0, lanes: [] })
    expect(admission.takeRoomFor([b]).tasks).toBe(0)
  })

  it('starts nothing under a new lease on the streams of the one before', async () => {
    const { admission, offer, balance, cluster, lease } = openAdmission()
    await offer(a)
    cluster.reap(lease.fence!)
    lease.fence = cluster.takeLease()
    expect([admission.takeRoom(10).tasks, admission.takeRoomFor([b]).tasks]).toEqual([0, 0])
    const waits = admission.acquire(a, never())
    expect(admission.inUse).toBe(0)
    await balance()
    await waits
    expect(admission.inUse).toBe(1)
  })

  it('takes room for the tasks that are due, as many as there are streams, and no more until they are settled', async () => {
    const { admission, offer } = openAdmission()
    await offer(a)
    const room = admission.takeRoom(20)
    expect(room).toEqual({ kind: 'due', tasks: 10, lanes: [{ ...a, tasks: 10, isProbe: false }] })
    expect([admission.inUse, admission.limit]).toEqual([10, 10])
    expect(admission.takeRoom(20).tasks).toBe(0)
  })

  it('gives back what a claim has not used', async () => {
    const { admission, offer } = openAdmission()
    await offer(a)
    const room = admission.takeRoom(5)
    admission.settleRoom(room, [makeClaimedTask(a), makeClaimedTask({ ...a, attempt: null })])
    // The one without an attempt reads its files first.
    expect(admission.inUse).toBe(1)
    // There was nothing more.
    expect(admission.takeRoom(5).tasks).toBe(0)
  })

  it('asks again where a claim got all that it had room for, or has failed', async () => {
    const { admission, offer } = openAdmission()
    await offer(a)
    const room = admission.takeRoom(4)
    admission.settleRoom(room, claimAll(room))
    const again = admission.takeRoom(4)
    expect([again.tasks, admission.inUse]).toEqual([4, 8])
    admission.settleRoom(again)
    expect([admission.inUse, admission.takeRoom(1).tasks]).toEqual([4, 1])
  })

  it('shares streams out between tenants, and by their weights', async () => {
    const { admission, offer } = openAdmission({ streams: 12 })
    await offer(a, b)
    expect(tasksOf(admission.takeRoom(20))).toEqual({ 'a/GigaChat-2': 6, 'b/GigaChat-2': 6 })
    const weighted = openAdmission({ streams: 12, limits: { tenants: { a: { weight: 3 } } } })
    await weighted.offer(a, b)
    expect(tasksOf(weighted.admission.takeRoom(20))).toEqual({ 'a/GigaChat-2': 9, 'b/GigaChat-2': 3 })
  })

  it('keeps to the limits of model, tenant and credential together', async () => {
    const limits = { credentials: { gigachat: { models: { slow: { max_streams: 3 } } } }, tenants: { a: { max_streams: 5 } } }
    const { admission, gates, balance } = openAdmission({ limits })
    admission.notice([a, slow, makeLane({ tenant: 'b', model: 'slow' }), b])
    await balance()
    await balance()
    const room = admission.takeRoom(100)
    const counts = (matches: (lane: Lane) => boolean) => room.lanes.filter(matches).reduce((sum, { tasks }) => sum + tasks, 0)
    expect(room.tasks).toBe(10)
    expect(counts(({ model }) => model === 'slow')).toBe(3)
    expect(counts(({ tenant }) => tenant === 'a')).toBe(5)
    expect(Object.fromEntries(gates.all.map(({ gate, inUse }) => [gate, inUse]))).toEqual({
      'credential:gigachat': 10,
      'model:gigachat/slow': 3,
      'tenant:a': 5,
    })
  })

  it('takes nothing of any gate where one of them has nothing left', async () => {
    const { admission, gates, offer } = openAdmission({ limits: { credentials: { gigachat: { models: { slow: { max_streams: 1 } } } } } })
    await offer(slow)
    await admission.acquire(slow, never())
    const leaving = new AbortController()
    const wait = admission.acquire(slow, leaving.signal)
    expect(admission.takeRoom(5).tasks).toBe(0)
    expect(admission.takeRoomFor([slow]).tasks).toBe(0)
    expect(gates.all.map(({ inUse }) => inUse)).toEqual([1, 1])
    leaving.abort(new Error('gone'))
    await expect(wait).rejects.toThrow('gone')
    admission.release(slow, ANSWERED)
    expect(gates.all.map(({ inUse }) => inUse)).toEqual([0, 0])
  })

  it('takes room for tasks that are just being accepted, unless others of their lane are due', async () => {
    const { admission, offer } = openAdmission()
    await offer(a)
    expect(admission.takeRoomFor([a, b, b])).toEqual({ kind: 'accepted', tasks: 2, lanes: [{ ...b, tasks: 2, isProbe: false }] })
    expect(admission.takeRoomFor([])).toMatchObject({ tasks: 0 })
  })

  it('gives a stream to whoever waits for one before the next claim', async () => {
    const { admission, offer } = openAdmission({ streams: 1 })
    await offer(a)
    await admission.acquire(a, never())
    const waiting = admission.acquire(a, never())
    const claims: number[] = []
    admission.onRoom(() => claims.push(admission.takeRoom(1).tasks))
    admission.release(a, ANSWERED)
    await waiting
    expect(claims).toEqual([0])
  })

  it('wants streams for lanes that are due and for those that wait', async () => {
    const { admission } = openAdmission()
    admission.notice([a])
    const leaving = new AbortController()
    const wait = admission.acquire(b, leaving.signal).catch(() => undefined)
    expect(admission.wanting).toEqual([
      { lane: a, calls: Number.POSITIVE_INFINITY },
      { lane: b, calls: 1 },
    ])
    leaving.abort(new Error('gone'))
    await wait
    await expect(admission.acquire(b, leaving.signal)).rejects.toThrow('gone')
  })

  it('tells listeners of tasks that are due where nothing was known to be, until they stop listening', () => {
    const { admission } = openAdmission()
    const listener = vi.fn<() => void>()
    const stop = admission.onRoom(listener)
    admission.notice([a])
    admission.notice([a])
    expect(listener).toHaveBeenCalledTimes(1)
    stop()
    admission.notice([b])
    expect(listener).toHaveBeenCalledTimes(1)
  })

  it('lowers the streams of a credential by a refusal because there are too many', async () => {
    const { admission, offer, store } = openAdmission()
    const lower = vi.spyOn(store, 'lowerLimit')
    await offer(a)
    await admission.acquire(a, never())
    const error = TaskError.unavailable('llm_rate_limited', '429')
    admission.release(a, { heldMs: 30, call: { kind: 'refused', error } })
    expect(lower).toHaveBeenCalledWith('credential:gigachat', { ageMs: 30, from: 10, factor: 0.7 })
    // The stream itself rests until the others know.
    expect(admission.limit).toBe(9)
  })

  it('starts nothing on a closed route, and refuses those that wait for it', async () => {
    const { admission, breakers, offer } = openAdmission({ streams: 2 })
    await offer(a)
    await Promise.all([admission.acquire(a, never()), admission.acquire(a, never())])
    const waiting = admission.acquire(a, never())
    breakers.note(a, { verdict: 'unpaid', reason: 'llm_payment_required', heldMs: 0 })
    await breakers.whenReported()
    admission.serve()
    await expect(waiting).rejects.toMatchObject({ code: 'route_closed', retryable: true })
    await expect(admission.acquire(a, never())).rejects.toMatchObject({ code: 'route_closed' })
    expect(admission.takeRoom(5).tasks).toBe(0)
    expect(admission.takeRoomFor([a]).tasks).toBe(0)
    expect(admission.inUse).toBe(2)
    // The streams that others could use are not asked for.
    expect(admission.wanting).toEqual([])
  })

  it('lets other models go on while one is closed', async () => {
    const { admission, offer } = await openClosedRoute(slow)
    await offer(a)
    expect(tasksOf(admission.takeRoom(20))).toEqual({ 'a/GigaChat-2': 10 })
  })

  it('starts one call on a route that is probed, whatever lanes wait for it', async () => {
    const { admission, breakers, offer } = await openProbed(a)
    await offer(a, b)
    const room = admission.takeRoom(20)
    expect(room).toMatchObject({ tasks: 1, lanes: [{ tasks: 1, isProbe: true }] })
    expect(admission.takeRoom(20).tasks).toBe(0)
    await expect(admission.acquire(b, never())).rejects.toMatchObject({ code: 'route_closed' })
    admission.settleRoom(room, claimAll(room))
    admission.release(a, ANSWERED)
    await breakers.whenReported()
    expect(admission.takeRoom(20).tasks).toBe(10)
  })

  it('probes by a task that waits for a stream, too', async () => {
    const { admission } = await openProbed(a)
    await admission.acquire(a, never())
    await expect(admission.acquire(a, never())).rejects.toMatchObject({ code: 'route_closed' })
  })

  it('gives the probe back where the claim for it found nothing', async () => {
    const { admission, breakers, cluster } = await openProbed(a)
    admission.settleRoom(admission.takeRoom(1), [])
    await vi.waitFor(() => expect(cluster.tables.routes).toMatchObject([{ status: 'open', probeLeaseId: null }]))
    expect(breakers.admits(a)).toBe('nothing')
  })

  it.each<[string, (room: ClaimRoom) => ClaimedTask[] | undefined]>([
    ['the claim for it has failed', () => undefined],
    ['its task reads files first', (room) => claimAll(room, { attempt: null })],
  ])('keeps the probe where %s', async (_, claim) => {
    const { admission, breakers } = await openProbed(a)
    const room = admission.takeRoom(1)
    admission.settleRoom(room, claim(room))
    expect([breakers.admits(a), admission.inUse]).toEqual(['probe', 0])
  })

  it('gives no credit for the time for which a route was closed', async () => {
    const { admission, offer, breakers, cluster } = openAdmission()
    await offer(a)
    breakers.note(slow, { verdict: 'unpaid', reason: 'llm_payment_required', heldMs: 0 })
    await breakers.whenReported()
    await offer(makeLane({ tenant: 'b', model: 'slow' }))
    const runTurn = () => {
      const room = admission.takeRoom(10)
      const tasks = claimAll(room)
      admission.settleRoom(room, tasks)
      cluster.clock.advance(1_000)
      for (const task of tasks) admission.release(task, { heldMs: 1_000, call: { kind: 'answered' } })
      return room
    }
    for (let turn = 0; turn < 50; turn++) expect(tasksOf(runTurn())).toEqual({ 'a/GigaChat-2': 10 })
    cluster.tables.routes.length = 0
    await breakers.refresh()
    // Not all of them, for as long as b has been kept waiting.
    const rooms = Array.from({ length: 20 }, runTurn).map(tasksOf)
    const ofA = rooms.reduce((sum, room) => sum + (room['a/GigaChat-2'] ?? 0), 0)
    expect(ofA).toBeGreaterThan(80)
    expect(ofA).toBeLessThan(120)
  })

  it('shares out by weight what a meter lets pass, however much room a claim has had', async () => {
    const { admission, offer } = openAdmission({ limits: { tenants: { a: { weight: 3 } } } })
    await offer(a, b)
    const firstOnes = Array.from({ length: 40 }, (_, turn) => {
      const room = admission.takeRoom(turn % 2 === 0 ? 10 : 2)
      admission.notice([a, b])
      return passOne(admission, room, room.lanes[0]!)
    })
    expect(firstOnes.filter((tenant) => tenant === 'a')).toHaveLength(30)
  })

  it('does not put who comes back from a pause behind calls that had room and never started', async () => {
    const { admission, offer } = openAdmission()
    await offer(a, b)
    passOne(admission, admission.takeRoom(10), b)
    // More than a pause for a: it had no tasks at all.
    admission.settleRoom(admission.takeRoom(10), [])
    admission.notice([b, a])
    expect(admission.takeRoom(1).lanes).toMatchObject([a])
  })

  it('takes a look into the queue while it claims for no pause: who was passed over keeps its turns', async () => {
    const { admission, offer } = openAdmission()
    await offer(a, b)
    for (let turn = 0; turn < 5; turn++) {
      passOne(admission, admission.takeRoom(10), a)
    }
    const next = Array.from({ length: 5 }, () => {
      const room = admission.takeRoom(1)
      admission.notice([a, b])
      return passOne(admission, room, room.lanes[0]!)
    })
    expect(next).toEqual(['b', 'b', 'b', 'b', 'b'])
  })
})
