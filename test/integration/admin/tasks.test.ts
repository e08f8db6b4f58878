import { describe, expect, it } from 'vitest'
import { makeResultEventId } from '#libs/contracts'
import { InvalidRequestError, TaskOperator } from '#libs/admin'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeAttemptEnd } from '../../factories/attempt-end.factory.js'
import { makeKeyedTasks, makeNewTask } from '../../factories/new-task.factory.js'
import { makeReceivedAnswer } from '../../factories/received-answer.factory.js'
import { makeRunEnd } from '../../factories/run-end.factory.js'
import { claimOne } from '../db/test-replica.js'
import { auditOf, byIds, CHANGE, openAdminRig, type AdminRig } from './admin.rig.js'

const HOUR_MS = 3_600_000
const all = (filter: object, limit = 100) => ({ kind: 'filter' as const, filter, limit })

/** A task that waits for an operator after a call that may have been paid for. */
async function holdTask({ replica }: AdminRig, taskId: string, fields: { hasFiles?: boolean } = {}): Promise<void> {
  await replica.ledger.accept(makeNewTask({ taskId, ...fields }))
  const task = await claimOne(replica)
  const attempt = task.attempt ?? (await replica.ledger.openAttempt(task, { countsAttempt: true }))!
  await replica.ledger.hold(task, 'maybe_paid', { attemptEnd: makeAttemptEnd({ ...task, attempt }, { state: 'maybe_paid' }) })
}

const queueOf = ({ database }: AdminRig) =>
  database.sql.rows('SELECT state, reason, maybe_paid, attempts, prepare, run_at <= now() AS due FROM task_queue ORDER BY id')

describe(`${TaskOperator.name}.list`, () => {
  it('finds tasks by state, tenant, type, reason and age, oldest first', async () => {
    const rig = await openAdminRig()
    await holdTask(rig, 'held')
    await rig.replica.ledger.accept(makeNewTask({ taskId: 'other', tenant: 'b', type: 'extract' }))
    await rig.replica.ledger.accept(makeNewTask({ taskId: 'old' }))
    await rig.database.sql.rows(`UPDATE task SET accepted_at = now() - interval '2 hours' WHERE task_id = 'old'`)
    const find = async (filter: object, limit = 10) => (await rig.tasks.list(filter, limit)).map(({ taskId }) => taskId)
    await expect(find({})).resolves.toEqual(['held', 'other', 'old'])
    await expect(find({}, 2)).resolves.toEqual(['held', 'other'])
    await expect(find({ states: ['held'] })).resolves.toEqual(['held'])
    await expect(find({ reason: 'maybe_paid' })).resolves.toEqual(['held'])
    await expect(find({ tenant: 'b' })).resolves.toEqual(['other'])
    await expect(find({ type: 'extract' })).resolves.toEqual(['other'])
    await expect(find({ olderThanMs: HOUR_MS })).resolves.toEqual(['old'])
    await expect(rig.tasks.list({ states: ['held'] }, 1)).resolves.toMatchObject([
      { tenant: 'default', type: 'prompt', reason: 'maybe_paid', run: 1, maybePaid: 1, acceptedAt: expect.any(Date) },
    ])
  })
})

describe(`${TaskOperator.name}.cancel`, () => {
  it('ends a pending and a held task: terminal record, result event, audit', async () => {
    const rig = await openAdminRig()
    await holdTask(rig, 'held')
    await rig.replica.ledger.accept(makeNewTask({ taskId: 'waiting', correlationId: 'c' }))
    const report = await rig.tasks.cancel({ selection: byIds('held', 'waiting'), change: CHANGE })
    expect(report).toMatchObject({ tasks: [{ taskId: 'held' }, { taskId: 'waiting' }], refused: [], unknown: [] })
    await expect(queueOf(rig)).resolves.toEqual([])
    await expect(
      rig.database.sql.rows('SELECT outcome, run, attempts, error_code, dead_letter_event_id FROM run_record ORDER BY task_number'),
    ).resolves.toEqual([
      { outcome: 'cancelled', run: 1, attempts: 1, error_code: 'cancelled', dead_letter_event_id: null },
      { outcome: 'cancelled', run: 1, attempts: 0, error_code: 'cancelled', dead_letter_event_id: null },
    ])
    const messages = await rig.replica.ledger.takeUnpublished(-1_000, 10)
    expect(messages.map(({ eventId, correlationId, value }) => [eventId, correlationId, JSON.parse(value.toString()).outcome])).toEqual([
      [makeResultEventId('default', 'held', 1), null, 'cancelled'],
      [makeResultEventId('default', 'waiting', 1), 'c', 'cancelled'],
    ])
    await expect(auditOf(rig)).resolves.toMatchObject([
      { ...CHANGE, action: 'task.cancel', target: { task_id: 'held', run: 1 }, before: { state: 'held', reason: 'maybe_paid' } },
      { action: 'task.cancel', target: { tenant: 'default', task_id: 'waiting' }, after: { outcome: 'cancelled' } },
    ])
  })

  it('leaves a running task to its worker, and says so', async () => {
    const rig = await openAdminRig()
    await rig.replica.ledger.accept(makeNewTask({ taskId: 'running' }))
    const task = await claimOne(rig.replica)
    const report = await rig.tasks.cancel({ selection: byIds('running', 'nobody'), change: CHANGE })
    expect(report).toMatchObject({
      tasks: [],
      refused: [{ taskId: 'running', why: expect.stringContaining('its worker has it') }],
      unknown: [{ taskId: 'nobody' }],
    })
    await expect(rig.replica.ledger.finish(makeRunEnd(task))).resolves.toMatchObject({ kind: 'finished' })
    await expect(rig.tasks.cancel({ selection: byIds('running'), change: CHANGE })).resolves.toMatchObject({
      refused: [{ why: 'its run has ended: succeeded' }],
    })
    await expect(auditOf(rig)).resolves.toEqual([])
  })

  it('makes the next task of its key the head, and numbers its result', async () => {
    const rig = await openAdminRig()
    const tasks = makeKeyedTasks('k', 3)
    for (const task of tasks) await rig.replica.ledger.accept(task)
    await rig.tasks.cancel({ selection: byIds(tasks[0]!.taskId), change: CHANGE })
    const second = await claimOne(rig.replica)
    expect(second.taskId).toBe(tasks[1]!.taskId)
    // Not the head: its key goes on with whoever is.
    await rig.tasks.cancel({ selection: byIds(tasks[2]!.taskId), change: CHANGE })
    await rig.replica.ledger.finish(makeRunEnd(second))
    await expect(rig.database.sql.rows('SELECT outcome, key_sequence FROM run_record ORDER BY key_sequence')).resolves.toEqual([
      { outcome: 'cancelled', key_sequence: 1 },
      { outcome: 'cancelled', key_sequence: 2 },
      { outcome: 'succeeded', key_sequence: 3 },
    ])
  })

  it('ends each task once, and none stalls, when a key is cancelled while its tasks are claimed and finished', async () => {
    const rig = await openAdminRig()
    const tasks = makeKeyedTasks('k', 30)
    for (const task of tasks) await rig.replica.ledger.accept(task)
    const work = async (): Promise<void> => {
      for (let left = 1; left > 0; left = await rig.database.sql.value<number>('SELECT count(*) FROM task_queue')) {
        const claimed = await rig.replica.ledger.claim(makeClaimRoom(1))
        await Promise.all(claimed.map((task) => rig.replica.ledger.finish(makeRunEnd(task))))
      }
    }
    const cancel = () => rig.tasks.cancel({ selection: all({ type: 'ordered' }), change: CHANGE })
    const [, first, second] = await Promise.all([work(), cancel(), cancel()])
    const cancelled = [...first.tasks, ...second.tasks].map(({ taskId }) => taskId)
    expect(new Set(cancelled).size).toBe(cancelled.length)
    await expect(
      rig.database.sql.rows(`SELECT count(*) AS runs, count(DISTINCT key_sequence) AS numbers, max(key_sequence) AS last,
                                    count(*) FILTER (WHERE outcome = 'cancelled') AS cancelled FROM run_record`),
    ).resolves.toEqual([{ runs: 30, numbers: 30, last: 30, cancelled: cancelled.length }])
  })

  it('does what matches up to the limit, and only counts in a dry run', async () => {
    const rig = await openAdminRig()
    await Promise.all(['a', 'b', 'c'].map((taskId) => rig.replica.ledger.accept(makeNewTask({ taskId, tenant: 'x' }))))
    const order = { selection: all({ tenant: 'x' }, 2), change: CHANGE }
    await expect(rig.tasks.cancel({ ...order, dryRun: true })).resolves.toMatchObject({ dryRun: true, matching: 3, tasks: { length: 2 } })
    await expect(rig.database.sql.value('SELECT count(*) FROM task_queue')).resolves.toBe(3)
    await expect(rig.tasks.cancel(order)).resolves.toMatchObject({ matching: 3, tasks: { length: 2 } })
    await expect(rig.database.sql.value('SELECT count(*) FROM task_queue')).resolves.toBe(1)
  })

  it('does nothing without a filter, a reason or an actor', async () => {
    const rig = await openAdminRig()
    await expect(rig.tasks.cancel({ selection: all({}), change: CHANGE })).rejects.toThrow(InvalidRequestError)
    await expect(rig.tasks.cancel({ selection: all({ states: ['running'] }), change: CHANGE })).rejects.toThrow('pending or held')
    await expect(rig.tasks.cancel({ selection: byIds('a'), change: { actor: 'ada', reason: ' ' } })).rejects.toThrow('reason')
    await expect(rig.tasks.cancel({ selection: byIds('a'), change: { actor: '', reason: 'x' } })).rejects.toThrow('actor')
  })
})

describe(`${TaskOperator.name}.move`, () => {
  it('gives pending tasks another time', async () => {
    const rig = await openAdminRig()
    await rig.replica.ledger.accept(makeNewTask({ taskId: 'a' }))
    const later = new Date(Date.now() + HOUR_MS)
    await expect(rig.tasks.move({ selection: byIds('a'), change: CHANGE }, later)).resolves.toMatchObject({ tasks: [{ taskId: 'a' }] })
    await expect(rig.replica.ledger.claim(makeClaimRoom(1))).resolves.toEqual([])
    await expect(rig.tasks.list({}, 1)).resolves.toMatchObject([{ runAt: later }])
    await rig.tasks.move({ selection: all({ states: ['pending'] }), change: CHANGE }, null)
    await expect(claimOne(rig.replica)).resolves.toMatchObject({ taskId: 'a' })
    await expect(auditOf(rig)).resolves.toMatchObject([
      { action: 'task.move', after: { run_at: expect.stringContaining(later.toISOString().slice(0, 19)) } },
      { action: 'task.move', before: { run_at: expect.stringContaining(later.toISOString().slice(0, 19)) } },
    ])
    await expect(rig.tasks.move({ selection: byIds('a'), change: CHANGE }, null)).resolves.toMatchObject({ refused: [{ taskId: 'a' }] })
  })

  it('passes over a task that is being changed, and says so', async () => {
    const rig = await openAdminRig()
    await rig.replica.ledger.accept(makeNewTask({ taskId: 'a' }))
    await rig.replica.pool.transaction(async (transaction) => {
      await transaction.run({ text: 'SELECT FROM task_queue FOR UPDATE' }, [])
      await expect(rig.tasks.move({ selection: byIds('a'), change: CHANGE }, null)).resolves.toMatchObject({
        tasks: [],
        refused: [{ taskId: 'a', why: expect.stringContaining('try again') }],
      })
    })
  })
})

describe(`${TaskOperator.name}.release`, () => {
  it.each([false, true])('lets a held task be sent again, with all its attempts (files: %s)', async (hasFiles) => {
    const rig = await openAdminRig()
    await holdTask(rig, 'a', { hasFiles })
    await expect(rig.tasks.release({ selection: byIds('a'), change: CHANGE })).resolves.toMatchObject({ tasks: [{ taskId: 'a' }] })
    await expect(queueOf(rig)).resolves.toEqual([
      { state: 'pending', reason: null, maybe_paid: 0, attempts: 0, prepare: hasFiles, due: true },
    ])
    const task = await claimOne(rig.replica)
    expect(task).toMatchObject({ run: 1, maybePaid: 0, storedAnswer: null })
    const attempt = task.attempt ?? (await rig.replica.ledger.openAttempt(task, { countsAttempt: true }))
    expect(attempt).toMatchObject({ number: 2 })
    await expect(auditOf(rig)).resolves.toMatchObject([
      { action: 'task.release', before: { state: 'held', reason: 'maybe_paid', maybe_paid: 1 }, after: { state: 'pending' } },
    ])
  })

  it('buys nothing where the answer has come in the meantime', async () => {
    const rig = await openAdminRig()
    await rig.replica.ledger.accept(makeNewTask({ taskId: 'a' }))
    const task = await claimOne(rig.replica)
    await rig.replica.ledger.hold(task, 'maybe_paid', { attemptEnd: makeAttemptEnd(task, { state: 'maybe_paid' }) })
    await rig.replica.ledger.recordAnswer(task, task.attempt!, makeReceivedAnswer({ task }).answer)
    await rig.tasks.release({ selection: byIds('a'), change: CHANGE })
    await expect(claimOne(rig.replica)).resolves.toMatchObject({ attempt: null, storedAnswer: { attemptId: task.attempt!.id } })
  })

  it('refuses a pending task', async () => {
    const rig = await openAdminRig()
    await rig.replica.ledger.accept(makeNewTask({ taskId: 'a' }))
    await expect(rig.tasks.release({ selection: byIds('a'), change: CHANGE })).resolves.toMatchObject({
      tasks: [],
      refused: [{ why: expect.stringContaining('it runs by itself') }],
    })
  })
})
