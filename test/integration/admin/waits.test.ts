import { WaitOperator, type TaskExplanation, type WaitReason } from '#libs/admin'
import { createLaneGates, admissionSettings } from '#libs/admission'
import type { ClaimedTask } from '#libs/kernel'
import { describe, expect, it } from 'vitest'
import { connectOperators } from '../../../libs/db/src/operators/connect-operators.js'
import { reapLeases } from '../../../libs/db/src/lease/lease.statements.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeKeyedTasks, makeNewTask } from '../../factories/new-task.factory.js'
import { makeRunEnd } from '../../factories/run-end.factory.js'
import { makeDbSettings } from '../db/test-database.js'
import { openWaitRig, type WaitRig, type Worker } from './wait.rig.js'

/** Of makeNewTask. */
const ESTIMATE = 1_100
const DAY_MS = 86_400_000

/** The only reason for which it waits. */
function onlyReason(explanation: TaskExplanation): WaitReason {
  expect(explanation).toMatchObject({ state: 'waiting', reasons: [expect.anything()] })
  return (explanation as Extract<TaskExplanation, { state: 'waiting' }>).reasons[0]!
}

/** Two tasks, of which the gate has let the first pass. */
async function blockSecond(rig: WaitRig): Promise<{ readonly first: ClaimedTask; readonly reason: WaitReason }> {
  await rig.accept({ taskId: 'first' })
  await rig.accept({ taskId: 'second' })
  const [first, ...others] = await rig.worker.claim()
  expect(first).toMatchObject({ taskId: 'first' })
  expect(others).toEqual([])
  await expect(claimAgain(rig.worker)).resolves.toEqual([])
  return { first: first!, reason: onlyReason(await rig.why('second')) }
}

/** Lets meters believe that so much time has passed. */
async function pass({ database }: WaitRig, ms: number): Promise<void> {
  await database.sql.rows(`UPDATE usage_meter SET changed_at = changed_at - make_interval(secs => $1 / 1000.0)`, [ms])
}

/** Nothing blocks it: it says so, and a claim takes it. */
async function expectDue(rig: WaitRig, taskId: string, worker = rig.worker): Promise<void> {
  await expect(rig.why(taskId)).resolves.toMatchObject({ state: 'due', reasons: [] })
  expect((await claimAgain(worker)).map((task) => task.taskId)).toContain(taskId)
}

/** A worker that a meter has refused asks again after a second. */
function claimAgain(worker: Worker): Promise<ClaimedTask[]> {
  worker.clock.advance(1_000)
  return worker.claim()
}

describe(`${WaitOperator.name}, where a gate blocks`, () => {
  it.each([
    { gate: 'streams gigachat', limits: 'credentials: { gigachat: { max_streams: 1 } }' },
    { gate: 'model gigachat/GigaChat-2', limits: 'credentials: { gigachat: { models: { GigaChat-2: { max_streams: 1 } } } }' },
    { gate: 'tenant default', limits: 'tenants: { default: { max_streams: 1 } }' },
  ])('names $gate while its streams are in use, and says due when one is free', async ({ gate, limits }) => {
    const rig = await openWaitRig({ limits })
    const { first, reason } = await blockSecond(rig)
    expect(reason).toMatchObject({ gate, value: 1, limit: 1, unit: 'streams', expectedAt: null })
    await expect(rig.why('first')).resolves.toMatchObject({
      state: 'running',
      phase: 'calling',
      attempt: { number: 1 },
      lease: { isAlive: true },
      reasons: [],
    })
    await rig.worker.end(first)
    await expectDue(rig, 'second')
  })

  it('says with how many streams the provider is left after it has refused calls', async () => {
    const rig = await openWaitRig({ maxStreams: 2 })
    await rig.accept({ taskId: 'first' })
    const [first] = await rig.worker.claim(1)
    await rig.worker.store.lowerLimit('credential:gigachat', { ageMs: 0, from: 2, factor: 0.7 })
    await rig.accept({ taskId: 'second' })
    await expect(rig.worker.claim()).resolves.toEqual([])
    expect(onlyReason(await rig.why('second'))).toMatchObject({
      gate: 'streams gigachat',
      value: 1,
      limit: 1,
      detail: expect.stringContaining('1 of 2 since the provider refused calls'),
    })
    await rig.worker.end(first!)
    await expectDue(rig, 'second')
  })

  it.each([
    { gate: 'requests per minute gigachat', unit: 'requests', limit: 12, limits: 'credentials: { gigachat: { requests_per_minute: 12 } }' },
    {
      gate: 'requests per minute gigachat/GigaChat-2',
      unit: 'requests',
      limit: 12,
      limits: 'credentials: { gigachat: { models: { GigaChat-2: { requests_per_minute: 12 } } } }',
    },
    {
      gate: 'tokens per minute gigachat',
      unit: 'tokens',
      limit: ESTIMATE * 12,
      limits: `credentials: { gigachat: { tokens_per_minute: ${ESTIMATE * 12} } }`,
    },
    {
      gate: 'tokens per minute gigachat/GigaChat-2',
      unit: 'tokens',
      limit: ESTIMATE * 12,
      limits: `credentials: { gigachat: { models: { GigaChat-2: { tokens_per_minute: ${ESTIMATE * 12} } } } }`,
    },
  ])('names $gate, and the time at which it lets the next call pass', async ({ gate, unit, limit, limits }) => {
    const rig = await openWaitRig({ limits })
    const { reason } = await blockSecond(rig)
    expect(reason).toMatchObject({ gate, unit, limit })
    expect(reason.value).toBeGreaterThanOrEqual(0)
    expect(reason.value).toBeLessThan(limit / 12)
    const waitMs = reason.expectedAt!.getTime() - Date.now()
    expect(waitMs).toBeGreaterThan(2_000)
    expect(waitMs).toBeLessThan(7_000)
    await pass(rig, waitMs - 1_500)
    expect(onlyReason(await rig.why('second'))).toMatchObject({ gate })
    await expect(claimAgain(rig.worker)).resolves.toEqual([])
    await pass(rig, 1_500)
    await expectDue(rig, 'second')
  })

  it('names the budget of tokens, until midnight UTC, and says due once more is allowed', async () => {
    const rig = await openWaitRig({ limits: `tenants: { default: { budget: { tokens_per_day: ${ESTIMATE + 1} } } }` })
    const { reason } = await blockSecond(rig)
    expect(reason).toMatchObject({ gate: 'budget tokens per day default', value: ESTIMATE, limit: ESTIMATE + 1, unit: 'tokens' })
    expect(reason.expectedAt!.getTime() % DAY_MS).toBe(0)
    expect(reason.expectedAt!.getTime() - Date.now()).toBeLessThanOrEqual(DAY_MS)
    await rig.database.sql.rows('UPDATE usage_meter SET amount = 1')
    await expectDue(rig, 'second')
  })

  it('names the budget of money', async () => {
    const price = 'credentials: { gigachat: { models: { GigaChat-2: { price: { prompt_per_1k: 0.5, completion_per_1k: 1 } } } } }'
    const rig = await openWaitRig({ limits: `${price}\ntenants: { default: { budget: { money_per_day: 2 } } }` })
    expect((await blockSecond(rig)).reason).toMatchObject({ gate: 'budget money per day default', value: 1.1, limit: 2, unit: 'money' })
    await rig.database.sql.rows('UPDATE usage_meter SET amount = 0.9')
    await expectDue(rig, 'second')
  })

  it('names a missing price, for which no time is known', async () => {
    const rig = await openWaitRig({ limits: 'tenants: { default: { budget: { money_per_day: 2 } } }' })
    await rig.accept({ taskId: 'a' })
    await expect(rig.worker.claim()).resolves.toEqual([])
    expect(onlyReason(await rig.why('a'))).toMatchObject({
      gate: 'price for budget money per day default',
      expectedAt: null,
      detail: expect.stringContaining('LIMITS_FILE'),
    })
  })

  it('says that a task larger than a whole budget ends, where nobody has taken it yet', async () => {
    const rig = await openWaitRig({ limits: `tenants: { default: { budget: { tokens_per_day: ${ESTIMATE - 1} } } }` })
    await rig.accept({ taskId: 'a' })
    expect(onlyReason(await rig.why('a'))).toMatchObject({
      value: 0,
      expectedAt: null,
      detail: expect.stringContaining('ends as exceeds_budget: raise the budget'),
    })
    await expect(rig.worker.claim()).resolves.toMatchObject([{ taskId: 'a', attempt: null }])
  })

  it('names the task that goes before it in its lane and must wait for a minute', async () => {
    const rig = await openWaitRig({ limits: `credentials: { gigachat: { tokens_per_minute: ${ESTIMATE * 12} } }` })
    await rig.accept({ taskId: 'used' })
    await expect(rig.worker.claim()).resolves.toHaveLength(1)
    await rig.accept({ taskId: 'large' })
    await rig.accept({ taskId: 'small', estimatedTokens: 1 })
    await expect(rig.worker.claim()).resolves.toEqual([])
    expect(onlyReason(await rig.why('small'))).toMatchObject({
      gate: 'tokens per minute gigachat',
      detail: expect.stringMatching(/^large goes before it in its lane/),
    })
    expect(onlyReason(await rig.why('large')).detail).not.toContain('goes before it')
  })

  it('does not name one that a smaller task may pass', async () => {
    const rig = await openWaitRig({ limits: `tenants: { default: { budget: { tokens_per_day: ${ESTIMATE * 2} } } }` })
    await rig.accept({ taskId: 'used' })
    await expect(rig.worker.claim()).resolves.toHaveLength(1)
    await rig.accept({ taskId: 'large', estimatedTokens: ESTIMATE + 1 })
    await rig.accept({ taskId: 'small', estimatedTokens: 1 })
    expect(onlyReason(await rig.why('large'))).toMatchObject({ gate: 'budget tokens per day default' })
    await expect(rig.why('small')).resolves.toMatchObject({ state: 'due' })
    await expect(rig.worker.claim()).resolves.toMatchObject([{ taskId: 'small' }])
  })

  it('names the breaker, with its error and the time of its probe', async () => {
    const rig = await openWaitRig()
    await rig.accept({ taskId: 'a' })
    const route = { provider: 'gigachat', model: 'GigaChat-2' }
    await rig.worker.store.reportFailure({ ...route, failures: 3, reason: 'llm_timeout', threshold: 3, openMs: 60_000, maxOpenMs: 60_000 })
    await expect(rig.worker.claim()).resolves.toEqual([])
    const reason = onlyReason(await rig.why('a'))
    expect(reason).toMatchObject({ gate: 'breaker gigachat/GigaChat-2', value: 3, detail: expect.stringContaining('llm_timeout') })
    expect(reason.expectedAt!.getTime() - Date.now()).toBeGreaterThan(50_000)
    await rig.database.sql.rows(`UPDATE route_breaker SET open_until = now()`)
    await rig.worker.store.takeProbe(route)
    expect(onlyReason(await rig.why('a'))).toMatchObject({ expectedAt: null, detail: expect.stringContaining('half-open') })
    await rig.worker.store.reportSuccess(route)
    await expectDue(rig, 'a')
  })

  it('names the time to which it was put off, with class and reason', async () => {
    const rig = await openWaitRig()
    await rig.accept({ taskId: 'a' })
    const [task] = await rig.worker.claim()
    await rig.worker.ledger.defer({
      task: task!,
      delayMs: 60_000,
      reason: 'storage_unavailable',
      deferralClass: 'storage_down',
      countsAttempt: false,
    })
    await rig.worker.end(task!)
    await expect(rig.worker.claim()).resolves.toEqual([])
    const reason = onlyReason(await rig.why('a'))
    expect(reason).toMatchObject({
      gate: 'run_at',
      value: 1,
      unit: 'deferrals in a row',
      detail: 'deferred as storage_down: storage_unavailable',
    })
    expect(reason.expectedAt!.getTime() - Date.now()).toBeGreaterThan(50_000)
    await rig.database.sql.rows('UPDATE task_queue SET run_at = now()')
    await expectDue(rig, 'a')
  })

  it('names the task of its ordering key that is before it', async () => {
    const rig = await openWaitRig()
    const keyed = makeKeyedTasks('k', 3)
    for (const task of keyed) await rig.worker.ledger.accept(task)
    await expect(rig.worker.claim()).resolves.toMatchObject([{ taskId: keyed[0]!.taskId }])
    await expect(rig.worker.claim()).resolves.toEqual([])
    expect(onlyReason(await rig.why(keyed[2]!.taskId))).toMatchObject({
      gate: 'ordering key',
      value: 2,
      expectedAt: null,
      detail: `${keyed[0]!.taskId} of default must end first: it is running`,
    })
  })

  it('names the operator for whom it is held', async () => {
    const rig = await openWaitRig()
    await rig.accept({ taskId: 'a' })
    const [task] = await rig.worker.claim()
    await rig.worker.ledger.hold(task!, 'maybe_paid')
    await rig.worker.end(task!)
    await expect(rig.worker.claim()).resolves.toEqual([])
    expect(onlyReason(await rig.why('a'))).toMatchObject({
      gate: 'held by an operator',
      expectedAt: null,
      detail: expect.stringMatching(/^maybe_paid: .*release or cancel/),
    })
  })

  it('names the death of the worker that makes it a suspect', async () => {
    const rig = await openWaitRig()
    await rig.accept({ taskId: 'a' })
    const victim = await rig.openWorker()
    await expect(victim.ledger.claim(makeClaimRoom(1))).resolves.toHaveLength(1)
    const lease = victim.lease.fence!
    await rig.database.sql.rows(`UPDATE worker_lease SET expires_at = now() - interval '1 second' WHERE id = $1`, [lease])
    await victim.die()
    expect(await rig.why('a')).toMatchObject({
      state: 'running',
      reasons: [{ gate: 'no worker', value: 1, detail: expect.stringContaining('takes it over') }],
    })
    await reapLeases(rig.worker.pool, [lease])
    await expect(rig.worker.claim()).resolves.toEqual([])
    expect(onlyReason(await rig.why('a'))).toMatchObject({ gate: 'suspect', value: 1, unit: 'deaths of its workers', expectedAt: null })
  })

  it('names that there is no worker', async () => {
    const rig = await openWaitRig()
    await rig.accept({ taskId: 'a' })
    await rig.database.sql.rows(`UPDATE worker_lease SET state = 'released', ended_at = now()`)
    await expect(rig.worker.claim()).resolves.toEqual([])
    expect(onlyReason(await rig.why('a'))).toMatchObject({ gate: 'no worker', value: 0, expectedAt: null })
    await expectDue(rig, 'a', await rig.openWorker())
  })

  it('does not name streams that a worker only holds while it looks for tasks that a meter then refuses', async () => {
    const rig = await openWaitRig({ limits: `tenants: { default: { budget: { tokens_per_day: ${ESTIMATE} } } }`, maxStreams: 2 })
    await rig.accept({ taskId: 'used' })
    const { admission, gates } = rig.worker.parts
    const [used] = await rig.worker.claim()
    await rig.worker.end(used!)
    await rig.accept({ taskId: 'a' })
    await expect(rig.worker.claim()).resolves.toEqual([])
    rig.worker.clock.advance(1_000)
    const room = admission.takeRoom(2)
    expect(room.tasks).toBe(2)
    await rig.worker.store.balance(gates.makeDemands(rig.worker.store.leaseId, []), (state) => gates.decide(state))
    await expect(rig.database.sql.value('SELECT in_use FROM stream_grant')).resolves.toBe(2)
    expect(onlyReason(await rig.why('a'))).toMatchObject({ gate: 'budget tokens per day default' })
    admission.settleRoom(room, [])
  })

  it('names every gate that blocks, not only the first', async () => {
    const limits = `credentials: { gigachat: { max_streams: 1, requests_per_minute: 12 } }`
    const rig = await openWaitRig({ limits })
    await rig.accept({ taskId: 'first' })
    await rig.accept({ taskId: 'second' })
    await expect(rig.worker.claim()).resolves.toHaveLength(1)
    await expect(rig.why('second')).resolves.toMatchObject({
      reasons: [{ gate: 'streams gigachat' }, { gate: 'requests per minute gigachat' }],
    })
  })
})

describe(`${WaitOperator.name}, where nothing blocks`, () => {
  it('counts the due tasks before it, in its lane and in others', async () => {
    const rig = await openWaitRig()
    await rig.accept({ taskId: 'low', priority: 1 })
    await rig.accept({ taskId: 'a' })
    await rig.accept({ taskId: 'b' })
    await rig.accept({ taskId: 'high', priority: 9 })
    await rig.accept({ taskId: 'max', model: 'GigaChat-2-Max' })
    await rig.accept({ taskId: 'else', provider: 'openai' })
    await expect(rig.why('b')).resolves.toMatchObject({ state: 'due', before: { ofLane: 2, ofOthers: 1 } })
    await expect(rig.why('high')).resolves.toMatchObject({ state: 'due', before: { ofLane: 0, ofOthers: 1 } })
    await expect(rig.why('low')).resolves.toMatchObject({ before: { ofLane: 3 } })
    await expectDue(rig, 'b')
  })

  it('says how a run has ended, and that there is no such task', async () => {
    const rig = await openWaitRig()
    await rig.accept({ taskId: 'a' })
    const [task] = await rig.worker.claim()
    await rig.worker.ledger.finish(makeRunEnd(task!))
    await expect(rig.why('a')).resolves.toMatchObject({ state: 'finished', run: 1, outcome: 'succeeded', errorCode: null })
    await expect(rig.why('nobody')).resolves.toEqual({ state: 'unknown' })
  })

  it('lets a task pass its meters that is claimed without a call', async () => {
    const rig = await openWaitRig({ limits: `tenants: { default: { budget: { tokens_per_day: ${ESTIMATE - 1} } } }` })
    await rig.worker.ledger.accept(makeNewTask({ taskId: 'files', hasFiles: true }))
    await expectDue(rig, 'files')
    await expect(rig.why('files')).resolves.toMatchObject({ state: 'running', phase: 'preparing', since: null, attempt: null, reasons: [] })
  })

  it('says which gates it has not looked at, where it is not told the limits', async () => {
    const rig = await openWaitRig({ limits: `tenants: { default: { budget: { tokens_per_day: 1 } } }` })
    await rig.accept({ taskId: 'a' })
    const ports = connectOperators(makeDbSettings(rig.database.url))
    const uninformed = new WaitOperator(
      ports.waits,
      ports.limits,
      createLaneGates({ ...admissionSettings.parse({}), maxStreams: undefined }),
    )
    const explanation = await uninformed.explain('default', 'a')
    await ports[Symbol.asyncDispose]()
    expect(explanation).toMatchObject({
      state: 'due',
      notLookedAt: [
        expect.stringMatching(/^streams gigachat: .*LLM_MAX_STREAMS/),
        expect.stringMatching(/budget tokens per day default.*LIMITS_FILE/),
      ],
    })
  })
})
