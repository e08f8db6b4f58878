import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { TaskError, type Lane } from '#libs/kernel'
import { makeClaimedTask } from '../../../test/factories/claimed-task.factory.js'
import { makeNewTask } from '../../../test/factories/new-task.factory.js'
import { AdmissionLoop } from './admission.loop.js'
import { makeLane } from './testing/make-lane.js'
import { openAdmission, type AdmissionOptions } from '../../../test/factories/admission.factory.js'

const LANE = makeLane()
const FAST = makeLane({ model: 'fast' })
const never = () => new AbortController().signal
const FIRST_LOOK_MS = 20
const INTERVAL_MS = 250
const IDLE_MS = 500

/** A loop that runs, with a listener that stands for PostgreSQL's hints. */
async function startLoop(options?: AdmissionOptions) {
  const opened = openAdmission(options)
  const { store, loop, events } = opened
  const listeners = new Set<(lanes?: readonly Lane[]) => void>()
  vi.spyOn(store, 'onDue').mockImplementation((listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  })
  const looks = vi.spyOn(store, 'listDueLanes')
  const balances = vi.spyOn(store, 'balance')
  const failures: unknown[] = []
  events.on('failed', (error) => failures.push(error))
  loop.start()
  onTestFinished(() => loop.stop())
  await advance(FIRST_LOOK_MS)
  return { ...opened, looks, balances, failures, hint: (lanes?: readonly Lane[]) => listeners.forEach((listener) => listener(lanes)) }
}

async function advance(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
}

describe(AdmissionLoop.name, () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('takes the streams of a replica that is alone with its first look', async () => {
    const { admission } = await startLoop()
    expect(admission.limit).toBe(10)
  })

  it('looks seldom while nothing happens, and oftener while calls run', async () => {
    const { looks, admission } = await startLoop()
    looks.mockClear()
    await advance(4 * IDLE_MS)
    expect(looks).toHaveBeenCalledTimes(4)
    await admission.acquire(LANE, never())
    await advance(IDLE_MS)
    looks.mockClear()
    await advance(4 * INTERVAL_MS)
    expect(looks).toHaveBeenCalledTimes(4)
  })

  it('finds tasks that became due without a hint', async () => {
    const { admission, cluster } = await startLoop()
    addDueTask(cluster.tables)
    await advance(IDLE_MS)
    expect(admission.takeRoom(5).tasks).toBe(5)
  })

  it('looks at once at a hint that says nothing, but not without end', async () => {
    const { looks, hint } = await startLoop()
    await advance(100)
    looks.mockClear()
    for (let hints = 0; hints < 100; hints++) {
      hint()
      await advance(1)
    }
    expect(looks.mock.calls.length).toBeGreaterThan(1)
    expect(looks.mock.calls.length).toBeLessThanOrEqual(6)
  })

  it('lets tasks of a lane that was hinted at be claimed without a look', async () => {
    const { admission, hint, looks } = await startLoop()
    looks.mockClear()
    hint([LANE])
    expect(admission.takeRoom(5).tasks).toBe(5)
    expect(looks).not.toHaveBeenCalled()
  })

  it('asks others soon for streams that are its own, and less often where they have long calls to end', async () => {
    const first = await startLoop({ streams: 2 })
    await first.offer(LANE)
    await Promise.all([first.admission.acquire(LANE, never()), first.admission.acquire(LANE, never())])
    const second = await startLoop({ streams: 2, cluster: first.cluster })
    second.hint([LANE])
    second.balances.mockClear()
    await advance(500)
    expect(second.balances.mock.calls.length).toBeGreaterThanOrEqual(8)
    await advance(5_000)
    second.balances.mockClear()
    await advance(10_000)
    expect(second.balances.mock.calls.length).toBeLessThanOrEqual(42)
    first.admission.release(LANE, { heldMs: 1_000 })
    await advance(2 * INTERVAL_MS)
    expect(second.admission.limit).toBe(1)
  })

  it('takes back what a dead replica had, once its lease is ended', async () => {
    const first = await startLoop({ streams: 2 })
    const second = await startLoop({ streams: 2, cluster: first.cluster })
    await advance(2_000)
    expect([first.admission.limit, second.admission.limit]).toEqual([1, 1])
    await first.loop.stop()
    await advance(2_000)
    expect(second.admission.limit).toBe(1)
    second.cluster.reap(first.lease.fence!)
    await advance(IDLE_MS)
    expect(second.admission.limit).toBe(2)
  })

  it('gives back what it does not use while it claims nothing, and has its part again when it does', async () => {
    const first = await startLoop()
    const second = await startLoop({ cluster: first.cluster })
    first.hint([LANE])
    second.hint([LANE])
    await advance(2_000)
    expect([first.admission.limit, second.admission.limit]).toEqual([5, 5])
    await Promise.all([first.admission.acquire(LANE, never()), first.admission.acquire(LANE, never())])
    first.admission.noteClaiming(false)
    await advance(INTERVAL_MS + 50)
    expect([first.admission.limit, second.admission.limit]).toEqual([2, 8])
    first.admission.release(LANE, { heldMs: 1_000 })
    await advance(2 * INTERVAL_MS)
    expect([first.admission.limit, second.admission.limit]).toEqual([1, 9])
    first.admission.noteClaiming(true)
    await advance(1_000)
    expect([first.admission.limit, second.admission.limit]).toEqual([5, 5])
  })

  it('has streams for tasks in hand while it claims nothing', async () => {
    const { admission } = await startLoop()
    admission.noteClaiming(false)
    await advance(IDLE_MS)
    expect(admission.limit).toBe(0)
    const waits = admission.acquire(LANE, never())
    await advance(IDLE_MS)
    await waits
    expect([admission.inUse, admission.limit]).toEqual([1, 1])
  })

  it('takes no probe while it claims nothing, and gives back the one that it has', async () => {
    const { admission, breakers, hint, cluster, looks } = await startLoop()
    hint([LANE])
    closeRoute(breakers)
    await breakers.whenReported()
    cluster.clock.advance(60_000)
    await advance(IDLE_MS)
    expect(breakers.admits(LANE)).toBe('probe')
    admission.noteClaiming(false)
    cluster.clock.advance(2_000)
    await advance(IDLE_MS)
    expect(cluster.tables.routes).toMatchObject([{ status: 'open', probeLeaseId: null }])
    looks.mockClear()
    await advance(4 * IDLE_MS)
    expect([breakers.admits(LANE), looks.mock.calls.length]).toEqual(['nothing', 4])
    const second = await startLoop({ cluster })
    second.hint([LANE])
    await advance(IDLE_MS)
    expect(second.breakers.admits(LANE)).toBe('probe')
  })

  it('has no streams while it has no lease', async () => {
    const { admission, lease, cluster, looks } = await startLoop()
    cluster.reap(lease.fence!)
    lease.fence = null
    await advance(IDLE_MS)
    expect(admission.limit).toBe(0)
    looks.mockClear()
    await advance(IDLE_MS)
    expect(looks).not.toHaveBeenCalled()
    lease.fence = cluster.takeLease()
    await advance(IDLE_MS)
    expect(admission.limit).toBe(10)
  })

  it('leaves all as it was while PostgreSQL is away, and asks once a second', async () => {
    const { admission, looks, failures } = await startLoop()
    looks.mockRejectedValue(TaskError.unavailable('ledger_unavailable', 'away'))
    await advance(IDLE_MS)
    looks.mockClear()
    await advance(10_000)
    expect(looks).toHaveBeenCalledTimes(10)
    expect(failures).toHaveLength(11)
    expect(admission.limit).toBe(10)
  })

  it('lowers the streams of a credential, and gives them back one after the other', async () => {
    const { loop, admission, cluster, offer } = await startLoop()
    cluster.clock.advance(60_000)
    loop.noteLimitMet(LANE, 10)
    await advance(INTERVAL_MS)
    expect(admission.limit).toBe(7)
    // Calls that were sent before say nothing new.
    loop.noteLimitMet(LANE, 500)
    await advance(INTERVAL_MS)
    expect(admission.limit).toBe(7)
    await offer(LANE)
    const limits = []
    for (let second = 0; second < 4; second++) {
      while (admission.inUse < admission.limit) await admission.acquire(LANE, never())
      await advance(INTERVAL_MS)
      cluster.clock.advance(1_000)
      await advance(INTERVAL_MS)
      limits.push(admission.limit)
    }
    expect(limits).toEqual([8, 9, 10, 10])
  })

  it.each([3_600_000, undefined])(
    'does not go on calling a provider that refuses every call (Retry-After: %s ms)',
    async (retryAfterMs) => {
      const { admission, hint, cluster } = await startLoop()
      const error = new TaskError('llm_rate_limited', '429', { retryable: true, ...(retryAfterMs && { retryAfterMs }) })
      let calls = 0
      for (let ms = 0; ms < 60_000; ms += 25) {
        hint([LANE])
        const room = admission.takeRoom(10)
        const tasks = Array.from({ length: room.tasks }, () => makeClaimedTask(LANE))
        admission.settleRoom(room, tasks)
        cluster.clock.advance(25)
        await advance(25)
        calls += tasks.length
        for (const task of tasks) admission.release(task, { heldMs: 25, call: { kind: 'refused', error } })
      }
      expect(calls).toBeGreaterThan(10)
      expect(calls).toBeLessThan(60)
    },
  )

  it('says that the limit could not be lowered', async () => {
    const { loop, store, failures } = await startLoop()
    vi.spyOn(store, 'lowerLimit').mockRejectedValueOnce(new Error('away'))
    loop.noteLimitMet(LANE, 10)
    await advance(0)
    expect(failures).toMatchObject([{ message: 'away' }])
  })

  it('takes the probe of a route when its time has come, by itself', async () => {
    const { admission, breakers, hint, cluster } = await startLoop()
    hint([LANE])
    closeRoute(breakers)
    await breakers.whenReported()
    await advance(IDLE_MS)
    expect(admission.takeRoom(5).tasks).toBe(0)
    cluster.clock.advance(60_000)
    await advance(IDLE_MS)
    expect(admission.takeRoom(5)).toMatchObject({ tasks: 1, lanes: [{ isProbe: true }] })
  })

  it('does not look oftener while another replica probes', async () => {
    const first = await startLoop()
    first.hint([LANE])
    closeRoute(first.breakers)
    await first.breakers.whenReported()
    first.cluster.clock.advance(60_000)
    await advance(IDLE_MS)
    const second = await startLoop({ cluster: first.cluster })
    second.hint([LANE])
    await advance(2 * IDLE_MS)
    first.cluster.clock.advance(60_000)
    second.looks.mockClear()
    await advance(10 * IDLE_MS)
    expect(second.looks.mock.calls.length).toBeLessThanOrEqual(20)
  })

  it('probes although another model takes every stream that becomes free', async () => {
    const { admission, breakers, hint, cluster } = await startLoop({ streams: 2 })
    hint([LANE, FAST])
    closeRoute(breakers)
    await breakers.whenReported()
    const room = admission.takeRoom(5)
    expect(room).toMatchObject({ tasks: 2, lanes: [{ model: 'fast' }] })
    cluster.clock.advance(60_000 + 1_001)
    await advance(IDLE_MS)
    admission.settleRoom(room)
    const next = admission.takeRoom(2)
    expect(next.lanes.map(({ model, isProbe }) => [model, isProbe])).toContainEqual([LANE.model, true])
  })

  it('does nothing any more once it has stopped', async () => {
    const { loop, looks, hint } = await startLoop()
    await loop.stop()
    await loop.stop()
    looks.mockClear()
    hint([LANE])
    hint()
    await advance(10_000)
    expect(looks).not.toHaveBeenCalled()
  })

  it('stops before it has started', async () => {
    const { loop } = openAdmission()
    await expect(loop.stop()).resolves.toBeUndefined()
  })
})

function closeRoute(breakers: ReturnType<typeof openAdmission>['breakers']): void {
  breakers.note(LANE, { verdict: 'unpaid', reason: 'llm_payment_required', heldMs: 0 })
}

function addDueTask(tables: ReturnType<typeof openAdmission>['cluster']['tables']): void {
  const id = tables.nextNumber()
  tables.queue.set(id, {
    id,
    task: makeNewTask(),
    acceptedAtMs: 0,
    state: 'pending',
    runAtMs: 0,
    reason: null,
    isHead: true,
    prepare: false,
    leaseId: null,
    claims: 0,
    sends: 0,
    attempts: 0,
    maybePaid: 0,
    crashes: 0,
    suspectSinceMs: null,
    deaths: 0,
    freeAttemptUsed: false,
    promptVersion: null,
    deferralClass: null,
    deferrals: 0,
  })
}
