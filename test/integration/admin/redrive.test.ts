import { describe, expect, it } from 'vitest'
import { InvalidRequestError, RedriveOperator } from '#libs/admin'
import { TaskError } from '#libs/kernel'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeAnswer } from '../../factories/answer.factory.js'
import { makeAttemptEnd } from '../../factories/attempt-end.factory.js'
import { makeKeyedTasks, makeNewTask } from '../../factories/new-task.factory.js'
import { makeRunEnd } from '../../factories/run-end.factory.js'
import { claimOne } from '../db/test-replica.js'
import { auditOf, byIds, CHANGE, failTask, makeFailed, openAdminRig, type AdminRig } from './admin.rig.js'

const LIMITS = { callAgain: false, maxTasks: 1_000 }
const AGAIN = { ...LIMITS, callAgain: true }
const ALL = { kind: 'filter' as const, filter: { code: 'output_invalid' } }
const FAST = { limits: LIMITS, ratePerSecond: 10_000, change: CHANGE }

/** Creates a redrive and runs it. */
async function redrive(rig: AdminRig, request: Partial<Parameters<RedriveOperator['create']>[0]>) {
  const created = await rig.redrives.create({ selection: ALL, ...FAST, ...request })
  const progress = created.id === null ? null : await rig.redrives.run(created.id, () => {})
  return { ...created, progress }
}

const queueOf = ({ database }: AdminRig) =>
  database.sql.rows<{ run: number; state: string }>('SELECT run, state, answers_from, ordering_key, is_head FROM task_queue ORDER BY id')

describe(`${RedriveOperator.name}, what a redriven run starts from`, () => {
  it('is the stored answer of the run before: nothing is sent', async () => {
    const rig = await openAdminRig()
    const failed = await makeFailed(rig, { taskId: 'a', answer: 'paid for' })
    await expect(redrive(rig, {})).resolves.toMatchObject({
      tasks: 1,
      fromAnswers: 1,
      tokens: 0,
      progress: { started: 1, state: 'started' },
    })
    const task = await claimOne(rig.replica)
    expect(task).toMatchObject({ run: 2, attempts: 0, attempt: null, storedAnswer: { attemptId: failed.attempt!.id } })
    expect(task.storedAnswer!.body.toString()).toContain('paid for')
    await rig.replica.ledger.finish(makeRunEnd(task))
    await expect(rig.database.sql.rows('SELECT run, outcome FROM run_record ORDER BY run')).resolves.toEqual([
      { run: 1, outcome: 'failed' },
      { run: 2, outcome: 'succeeded' },
    ])
    await expect(rig.database.sql.value('SELECT count(*) FROM attempt')).resolves.toBe(1)
  })

  it('is nothing when it has to call again, whatever is stored; and the run after that takes the newest answer', async () => {
    const rig = await openAdminRig()
    await makeFailed(rig, { taskId: 'a', answer: 'first', estimatedTokens: 700 })
    await expect(redrive(rig, { limits: AGAIN })).resolves.toMatchObject({ fromAnswers: 0, tokens: 700 })
    const second = await claimOne(rig.replica)
    expect(second).toMatchObject({ run: 2, storedAnswer: null, attempt: { number: 1 } })
    await rig.replica.ledger.recordAnswer(second, second.attempt!, makeAnswer('second'))
    await failTask(rig, second)
    await redrive(rig, {})
    const third = await claimOne(rig.replica)
    expect(third).toMatchObject({ run: 3, attempt: null, storedAnswer: { attemptId: second.attempt!.id } })
    expect(third.storedAnswer!.body.toString()).toContain('second')
  })

  it('is its own answer when one was received after it had to call again', async () => {
    const rig = await openAdminRig()
    await makeFailed(rig, { taskId: 'a', answer: 'first' })
    await redrive(rig, { limits: AGAIN })
    const task = await claimOne(rig.replica)
    await rig.replica.ledger.recordAnswer(task, task.attempt!, makeAnswer('second'))
    await rig.replica.ledger.defer({ task, delayMs: 0, reason: 'storage_unavailable', deferralClass: 'storage_down', countsAttempt: false })
    await expect(claimOne(rig.replica)).resolves.toMatchObject({ run: 2, storedAnswer: { attemptId: task.attempt!.id } })
  })

  it('is an answer that comes late to the run before, also when the redriven run was about to open an attempt', async () => {
    const rig = await openAdminRig()
    const failed = await makeFailed(rig, { taskId: 'a', hasFiles: false, error: TaskError.invalid('output_invalid', 'x') })
    await rig.database.sql.rows('UPDATE task SET has_files = true')
    await redrive(rig, {})
    const task = await claimOne(rig.replica)
    expect(task).toMatchObject({ run: 2, attempt: null, storedAnswer: null })
    await rig.replica.ledger.recordAnswer(failed, failed.attempt!, makeAnswer('late'))
    await expect(rig.replica.ledger.openAttempt(task, { countsAttempt: true })).resolves.toBeNull()
    await expect(claimOne(rig.replica)).resolves.toMatchObject({ run: 2, storedAnswer: { attemptId: failed.attempt!.id } })
  })

  it('is an empty account of attempts: all of them may be used again', async () => {
    const rig = await openAdminRig()
    await makeFailed(rig, { taskId: 'a' })
    await redrive(rig, {})
    await expect(claimOne(rig.replica)).resolves.toMatchObject({ run: 2, attempts: 1, maybePaid: 0, crashes: 0, attempt: { number: 1 } })
  })
})

describe(`${RedriveOperator.name}, which tasks`, () => {
  it('chooses by fingerprint, code, tenant, type and time, oldest failure first', async () => {
    const rig = await openAdminRig()
    await makeFailed(rig, { taskId: 'a', error: TaskError.invalid('output_invalid', 'one') })
    await makeFailed(rig, { taskId: 'b', tenant: 'x', error: TaskError.invalid('output_invalid', 'two') })
    await makeFailed(rig, { taskId: 'c', type: 'extract', error: TaskError.invalid('llm_bad_request', 'three') })
    const [first] = await rig.ports.deadLetters.group({ tenant: 'x' }, 1)
    const count = async (filter: object) => (await rig.redrives.preview({ ...FAST, selection: { kind: 'filter', filter } })).tasks
    await expect(count({ code: 'output_invalid' })).resolves.toBe(2)
    await expect(count({ fingerprint: first!.fingerprint })).resolves.toBe(1)
    await expect(count({ tenant: 'x' })).resolves.toBe(1)
    await expect(count({ type: 'extract' })).resolves.toBe(1)
    await expect(count({ since: new Date(Date.now() - 60_000) })).resolves.toBe(3)
    await expect(count({ until: new Date(Date.now() - 60_000) })).resolves.toBe(0)
    await expect(rig.database.sql.value('SELECT count(*) FROM redrive')).resolves.toBe(0)
  })

  it('stays within the limits of tasks and of tokens, for which stored answers count nothing', async () => {
    const rig = await openAdminRig()
    await makeFailed(rig, { taskId: 'a', answer: 'x', estimatedTokens: 1_000 })
    await makeFailed(rig, { taskId: 'b', estimatedTokens: 400 })
    await makeFailed(rig, { taskId: 'c', estimatedTokens: 300 })
    const preview = (limits: object) => rig.redrives.preview({ ...FAST, selection: ALL, limits: { ...LIMITS, ...limits } })
    await expect(preview({})).resolves.toMatchObject({ matching: 3, tasks: 3, fromAnswers: 1, tokens: 700 })
    await expect(preview({ maxTokens: 500 })).resolves.toMatchObject({ matching: 3, tasks: 2, tokens: 400 })
    await expect(preview({ maxTasks: 1 })).resolves.toMatchObject({ matching: 3, tasks: 1, tokens: 0 })
    await expect(preview({ callAgain: true })).resolves.toMatchObject({ tasks: 3, fromAnswers: 0, tokens: 1_700 })
    await expect(redrive(rig, { limits: { ...LIMITS, maxTokens: 500 } })).resolves.toMatchObject({ progress: { started: 2 } })
  })

  it('refuses what is unfinished, what did not fail, what is late and what nobody knows, each with its reason', async () => {
    const rig = await openAdminRig()
    await makeFailed(rig, { taskId: 'late', deadlineMs: Date.now() + 60_000 })
    await makeFailed(rig, { taskId: 'late-answered', answer: 'x', deadlineMs: Date.now() + 60_000 })
    await rig.database.sql.rows(`UPDATE task SET deadline = now() - interval '1 s'`)
    await rig.replica.ledger.accept(makeNewTask({ taskId: 'done' }))
    await rig.replica.ledger.finish(makeRunEnd(await claimOne(rig.replica)))
    await rig.replica.ledger.accept(makeNewTask({ taskId: 'waiting' }))
    const named = byIds('late', 'done', 'waiting', 'nobody', 'late-answered')
    const result = await redrive(rig, { selection: named })
    expect(result).toMatchObject({
      tasks: 1,
      fromAnswers: 1,
      unknown: [{ taskId: 'nobody' }],
      refused: [
        { taskId: 'late', why: expect.stringContaining('deadline') },
        { taskId: 'done', why: expect.stringContaining('succeeded') },
        { taskId: 'waiting', why: expect.stringContaining('pending') },
      ],
      progress: { started: 1 },
    })
    await expect(redrive(rig, { selection: byIds('late-answered') })).resolves.toMatchObject({
      id: null,
      refused: [{ taskId: 'late-answered' }],
    })
  })

  it('refuses an empty selection and limits that make no sense', async () => {
    const rig = await openAdminRig()
    await expect(redrive(rig, { selection: { kind: 'filter', filter: {} } })).rejects.toThrow(InvalidRequestError)
    await expect(redrive(rig, { selection: byIds() })).rejects.toThrow('at least one task')
    await expect(redrive(rig, { ratePerSecond: 0 })).rejects.toThrow('ratePerSecond')
    await expect(redrive(rig, { limits: { ...LIMITS, maxTasks: 0 } })).rejects.toThrow('maxTasks')
    await expect(redrive(rig, { limits: { ...LIMITS, maxTokens: -1 } })).rejects.toThrow('maxTokens')
    await expect(redrive(rig, { change: { actor: 'ada', reason: '' } })).rejects.toThrow('reason')
  })

  it('runs a task of an ordering key out of order', async () => {
    const rig = await openAdminRig()
    const [first, second] = makeKeyedTasks('k', 2)
    await makeFailed(rig, first)
    await rig.replica.ledger.accept(second!)
    await redrive(rig, {})
    await expect(queueOf(rig)).resolves.toMatchObject([
      { run: 2, ordering_key: null, is_head: true },
      { run: 1, ordering_key: second!.orderingKey, is_head: true },
    ])
    const claimed = await rig.replica.ledger.claim(makeClaimRoom(10))
    expect(Object.fromEntries(claimed.map(({ run, orderingKey }) => [run, orderingKey === null]))).toEqual({ 1: false, 2: true })
  })
})

describe(`${RedriveOperator.name}, at work`, () => {
  it('spreads the tasks in time by its rate, over its chunks', async () => {
    const rig = await openAdminRig()
    for (const taskId of ['a', 'b', 'c']) await makeFailed(rig, { taskId })
    const { id } = await rig.redrives.create({ selection: ALL, ...FAST, ratePerSecond: 0.5 })
    for (let chunk = 0; chunk < 3; chunk++) await rig.ports.redrives.startNext(id!, 1)
    const gaps = await rig.database.sql.rows<{ gap: number }>(
      `SELECT round(extract(epoch FROM run_at - min(run_at) OVER ()))::integer AS gap FROM task_queue ORDER BY run_at`,
    )
    expect(gaps.map(({ gap }) => gap)).toEqual([0, 2, 4])
  })

  it('goes on where another process ended', async () => {
    const rig = await openAdminRig()
    for (const taskId of ['a', 'b', 'c']) await makeFailed(rig, { taskId })
    const { id } = await rig.redrives.create({ selection: ALL, ...FAST })
    await expect(rig.ports.redrives.startNext(id!, 2)).resolves.toEqual({ state: 'starting', started: 2, refused: 0, waiting: 1 })
    const task = (await rig.replica.ledger.claim(makeClaimRoom(1)))[0]!
    await failTask(rig, task)
    await expect(rig.redrives.run(id!, () => {})).resolves.toMatchObject({ state: 'started', started: 1, waiting: 0 })
    await expect(rig.redrives.run(id!, () => {})).resolves.toMatchObject({ state: 'started', started: 0 })
    await expect(rig.redrives.status(id!)).resolves.toMatchObject({ tasks: 3, waiting: 0, failed: 1, unfinished: 2, refused: 0 })
  })

  it('stops when it is told so, and takes back what has not begun', async () => {
    const rig = await openAdminRig()
    for (const taskId of ['a', 'b', 'c', 'd']) await makeFailed(rig, { taskId })
    const { id } = await rig.redrives.create({ selection: ALL, ...FAST })
    await rig.ports.redrives.startNext(id!, 3)
    const [begun] = await rig.replica.ledger.claim(makeClaimRoom(1))
    await expect(rig.redrives.stop(id!, { actor: 'bob', reason: 'too soon' })).resolves.toBe(3)
    await expect(queueOf(rig)).resolves.toMatchObject([{ run: 2, state: 'running' }])
    await expect(rig.redrives.run(id!, () => {})).resolves.toMatchObject({ state: 'stopped', started: 0 })
    await rig.replica.ledger.finish(makeRunEnd(begun!))
    await expect(rig.redrives.status(id!)).resolves.toMatchObject({ state: 'stopped', takenBack: 3, succeeded: 1, unfinished: 0 })
    // They are dead letters as before, and the same run may begin again.
    await expect(redrive(rig, {})).resolves.toMatchObject({ tasks: 3, progress: { started: 3 } })
    await expect(queueOf(rig)).resolves.toMatchObject([{ run: 2 }, { run: 2 }, { run: 2 }])
    const audit = (await auditOf(rig)).filter(({ actor }) => actor === 'bob')
    expect(audit.map(({ action }) => action).toSorted()).toEqual(['redrive.stop', 'task.take_back', 'task.take_back'])
    expect(audit.find(({ action }) => action === 'redrive.stop')).toMatchObject({ before: { state: 'starting' }, after: { taken_back: 3 } })
  })

  it('knows no redrive that was never made', async () => {
    const rig = await openAdminRig()
    await expect(rig.redrives.run(7, () => {})).resolves.toBeNull()
    await expect(rig.redrives.stop(7, CHANGE)).resolves.toBeNull()
    await expect(rig.redrives.status(7)).resolves.toBeNull()
    await expect(rig.redrives.list(5)).resolves.toEqual([])
  })

  it('is written down: what was chosen, and each task', async () => {
    const rig = await openAdminRig()
    await makeFailed(rig, { taskId: 'a', estimatedTokens: 300 })
    const { id } = await redrive(rig, { selection: byIds('a') })
    await expect(auditOf(rig)).resolves.toMatchObject([
      {
        ...CHANGE,
        action: 'redrive.create',
        target: { redrive: id, selection: { tenant: 'default', task_ids: ['a'] } },
        after: { call_again: false, tasks: 1, tokens: 300 },
      },
      {
        ...CHANGE,
        action: 'task.redrive',
        target: { tenant: 'default', task_id: 'a', redrive: id },
        before: { run: 1, outcome: 'failed', error_code: 'output_invalid' },
        after: { run: 2, from_answer: false },
      },
    ])
    await expect(rig.redrives.list(5)).resolves.toMatchObject([{ id, actor: 'ada', tasks: 1, unfinished: 1 }])
  })

  it('gives a task to one of several redrives that want it at the same time', async () => {
    const rig = await openAdminRig()
    for (let index = 0; index < 20; index++) await makeFailed(rig, { taskId: `t-${index}` })
    const created = await Promise.all([1, 2, 3].map(() => rig.redrives.create({ selection: ALL, ...FAST })))
    const runs = await Promise.all(
      created.map(async ({ id }) => {
        const sums = { started: 0, refused: 0 }
        for (let waiting = 1; waiting > 0;) {
          const step = (await rig.ports.redrives.startNext(id!, 3))!
          sums.started += step.started
          sums.refused += step.refused
          waiting = step.waiting
        }
        return sums
      }),
    )
    expect(runs.reduce((sum, { started }) => sum + started, 0)).toBe(20)
    expect(runs.reduce((sum, { refused }) => sum + refused, 0)).toBe(40)
    await expect(rig.database.sql.value('SELECT count(*) FROM task_queue WHERE run = 2')).resolves.toBe(20)
  })

  it('refuses, when its turn comes, what another redrive has run and failed since', async () => {
    const rig = await openAdminRig()
    await makeFailed(rig, { taskId: 'a' })
    const { id } = await rig.redrives.create({ selection: ALL, ...FAST })
    await redrive(rig, {})
    const task = await claimOne(rig.replica)
    await failTask(rig, task, { attemptEnd: makeAttemptEnd(task) })
    await expect(rig.redrives.run(id!, () => {})).resolves.toMatchObject({ started: 0, refused: 1 })
    await expect(rig.redrives.status(id!)).resolves.toMatchObject({ refusals: [{ tenant: 'default', taskId: 'a', refusal: 'ran_since' }] })
  })
})
