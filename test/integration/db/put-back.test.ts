import { describe, expect, it } from 'vitest'
import { PostgresLedger } from '../../../libs/db/src/ledger/postgres-ledger.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeAnswer } from '../../factories/answer.factory.js'
import { makeAttemptEnd } from '../../factories/attempt-end.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeRunEnd } from '../../factories/run-end.factory.js'
import { openProxiedReplica } from './proxied-replica.js'
import { createLedgerDatabase, type TestDatabase } from './test-database.js'
import { claimOne, openReplica } from './test-replica.js'

async function readQueue({ sql }: TestDatabase): Promise<Record<string, unknown>> {
  const [row] = await sql.rows<Record<string, unknown>>('SELECT *, run_at - now() AS due FROM task_queue')
  return row!
}

async function makeDue({ sql }: TestDatabase): Promise<void> {
  await sql.rows(`UPDATE task_queue SET run_at = now()`)
}

describe(`${PostgresLedger.name}.defer`, () => {
  it('puts a task back for later and ends its attempt', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    const attemptEnd = makeAttemptEnd(task, { httpStatus: 500 })
    await expect(
      replica.ledger.defer({
        task,
        delayMs: 60_000,
        reason: 'llm_server_error',
        deferralClass: 'provider_error',
        attemptEnd,
        countsAttempt: true,
      }),
    ).resolves.toBe('done')
    await expect(readQueue(database)).resolves.toMatchObject({
      state: 'pending',
      lease_id: null,
      reason: 'llm_server_error',
      attempts: 1,
      sends: 1,
    })
    await expect(replica.ledger.claim(makeClaimRoom(10))).resolves.toEqual([])
    await makeDue(database)
    await expect(claimOne(replica)).resolves.toMatchObject({ attempts: 2, attempt: { number: 2 } })
  })

  it('does not count an attempt that only waited', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    for (let round = 1; round <= 4; round++) {
      const task = await claimOne(replica)
      expect(task).toMatchObject({ attempts: 1, attempt: { number: round } })
      await replica.ledger.defer({
        task,
        delayMs: 0,
        reason: 'llm_rate_limited',
        deferralClass: 'rate_limited',
        attemptEnd: makeAttemptEnd(task),
        countsAttempt: false,
      })
    }
  })

  it('says that it is done when PostgreSQL had done it, but its answer was lost', async () => {
    const database = await createLedgerDatabase()
    const replica = await openProxiedReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    replica.proxy.deafenAfter('COMMIT')
    const deferred = replica.ledger.defer({
      task,
      delayMs: 60_000,
      reason: 'llm_server_error',
      deferralClass: 'provider_error',
      attemptEnd: makeAttemptEnd(task, { httpStatus: 500 }),
      countsAttempt: true,
    })
    await expect.poll(() => database.sql.value('SELECT state FROM task_queue')).toBe('pending')
    replica.proxy.cut()
    await expect(deferred).resolves.toBe('done')
    await expect(readQueue(database)).resolves.toMatchObject({ attempts: 1, sends: 1, deferrals: expect.anything() })
  })

  it('takes nothing back where no attempt was open', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask({ hasFiles: true }))
    for (let round = 0; round < 3; round++) {
      const task = await claimOne(replica)
      expect(task).toMatchObject({ attempts: 0, attempt: null })
      await replica.ledger.defer({ task, delayMs: 0, reason: 'storage_unavailable', deferralClass: 'storage_down', countsAttempt: false })
    }
  })

  it('counts a try that failed before an attempt could be opened, or a defect there would repeat for ever', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask({ hasFiles: true }))
    await replica.ledger.defer({
      task: await claimOne(replica),
      delayMs: 0,
      reason: 'internal',
      deferralClass: 'internal',
      countsAttempt: true,
    })
    await expect(claimOne(replica)).resolves.toMatchObject({ attempts: 1, attempt: null })
  })

  it('counts an end as maybe_paid', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    const attemptEnd = makeAttemptEnd(task, { state: 'maybe_paid', excerpt: 'half an ans' })
    await replica.ledger.defer({
      task,
      delayMs: 0,
      reason: 'maybe_paid',
      deferralClass: 'provider_error',
      attemptEnd,
      countsAttempt: false,
    })
    await expect(claimOne(replica)).resolves.toMatchObject({ maybePaid: 1, attempts: 1, attempt: { number: 2 } })
    await expect(database.sql.rows('SELECT state, excerpt FROM attempt WHERE number = 1')).resolves.toEqual([
      { state: 'maybe_paid', excerpt: 'half an ans' },
    ])
  })

  it('counts the deferrals in a row of one class, and begins anew with another', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const seen: unknown[] = []
    for (const deferralClass of ['rate_limited', 'rate_limited', 'provider_down', 'rate_limited'] as const) {
      const task = await claimOne(replica)
      seen.push([task.deferralClass, task.deferrals])
      await replica.ledger.defer({ task, delayMs: 0, reason: 'x', deferralClass, attemptEnd: makeAttemptEnd(task), countsAttempt: false })
    }
    expect(seen).toEqual([
      [null, 0],
      ['rate_limited', 1],
      ['rate_limited', 2],
      ['provider_down', 1],
    ])
    await expect(readQueue(database)).resolves.toMatchObject({ deferral_class: 'rate_limited', deferrals: 1 })
  })

  it('keeps the template with which the run was rendered first', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    await replica.ledger.accept(makeNewTask())
    const deferral = { delayMs: 0, reason: 'llm_rate_limited', deferralClass: 'rate_limited', countsAttempt: false } as const
    const first = await claimOne(replica)
    expect(first.promptVersion).toBeNull()
    await replica.ledger.defer({ task: first, ...deferral, attemptEnd: makeAttemptEnd(first), promptVersion: 'summary@1' })
    const second = await claimOne(replica)
    expect(second.promptVersion).toBe('summary@1')
    await replica.ledger.defer({ task: second, ...deferral, attemptEnd: makeAttemptEnd(second), promptVersion: 'summary@2' })
    const third = await claimOne(replica)
    await replica.ledger.defer({ task: third, ...deferral, attemptEnd: makeAttemptEnd(third) })
    await expect(claimOne(replica)).resolves.toMatchObject({ promptVersion: 'summary@1' })
  })

  it('is fenced when the task has gone to another replica', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    await database.sql.rows('UPDATE task_queue SET lease_id = lease_id + 1')
    await expect(replica.ledger.defer({ task, delayMs: 0, reason: 'x', deferralClass: 'internal', countsAttempt: true })).resolves.toBe(
      'fenced',
    )
    await expect(readQueue(database)).resolves.toMatchObject({ state: 'running' })
  })

  it('does not touch a later hold of the same task by the same replica', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const first = await claimOne(replica)
    const deferral = {
      task: first,
      delayMs: 0,
      reason: 'llm_server_error',
      deferralClass: 'provider_error',
      attemptEnd: makeAttemptEnd(first),
      countsAttempt: true,
    } as const
    await replica.ledger.defer(deferral)
    const second = await claimOne(replica)
    await expect(replica.ledger.defer(deferral)).resolves.toBe('fenced')
    await expect(readQueue(database)).resolves.toMatchObject({ state: 'running', sends: 2 })
    await expect(replica.ledger.finish(makeRunEnd(first))).resolves.toEqual({ kind: 'fenced' })
    await expect(replica.ledger.openAttempt(first, { countsAttempt: true })).resolves.toBeNull()
    await expect(replica.ledger.finish(makeRunEnd(second))).resolves.toMatchObject({ kind: 'finished' })
  })

  it('does not put back a task that this replica has claimed again while the answer to the deferral was lost', async () => {
    const database = await createLedgerDatabase()
    const replica = await openProxiedReplica(database)
    await replica.ledger.accept(makeNewTask())
    const first = await claimOne(replica)
    replica.proxy.deafenAfter('COMMIT')
    const deferred = replica.ledger.defer({
      task: first,
      delayMs: 0,
      reason: 'x',
      deferralClass: 'internal',
      attemptEnd: makeAttemptEnd(first),
      countsAttempt: true,
    })
    await expect.poll(() => database.sql.value(`SELECT state FROM task_queue`)).toBe('pending')
    const second = await claimOne(replica)
    replica.proxy.cut()
    await deferred
    await expect(readQueue(database)).resolves.toMatchObject({ state: 'running', claims: 2 })
    await expect(replica.ledger.finish(makeRunEnd(second))).resolves.toMatchObject({ kind: 'finished' })
  })

  it('ends an attempt that was opened when the answer of PostgreSQL was lost', async () => {
    const database = await createLedgerDatabase()
    const replica = await openProxiedReplica(database)
    await replica.ledger.accept(makeNewTask({ hasFiles: true }))
    const task = await claimOne(replica)
    replica.proxy.deafenAfter('COMMIT')
    const cutAfterCommit = async () => {
      await expect.poll(() => database.sql.value('SELECT count(*) FROM attempt')).toBe(1)
      replica.proxy.cut()
    }
    const [opened] = await Promise.allSettled([replica.ledger.openAttempt(task, { countsAttempt: true }), cutAfterCommit()])
    expect(opened).toMatchObject({ status: 'rejected', reason: { code: 'ledger_unavailable' } })
    await replica.ledger.defer({ task, delayMs: 0, reason: 'ledger_unavailable', deferralClass: 'ledger_down', countsAttempt: false })
    await expect(database.sql.rows('SELECT state FROM attempt')).resolves.toEqual([{ state: 'not_sent' }])
    await expect(readQueue(database)).resolves.toMatchObject({ attempts: 0, prepare: true })
  })

  it('tells each task of a batch its own result', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    await Promise.all([1, 2, 3].map(() => ledger.accept(makeNewTask())))
    const tasks = await ledger.claim(makeClaimRoom(3))
    await ledger.recordAnswer(tasks[2]!, tasks[2]!.attempt!, makeAnswer())
    await database.sql.rows('UPDATE task_queue SET lease_id = lease_id + 1 WHERE id = $1', [tasks[0]!.id])
    const results = await Promise.all([
      ledger.defer({ task: tasks[0]!, delayMs: 0, reason: 'a', deferralClass: 'internal', countsAttempt: true }),
      ledger.hold(tasks[1]!, 'maybe_paid', { attemptEnd: makeAttemptEnd(tasks[1]!, { state: 'maybe_paid' }) }),
      ledger.defer({ task: tasks[2]!, delayMs: 0, reason: 'c', deferralClass: 'internal', countsAttempt: false }),
    ])
    expect(results).toEqual(['fenced', 'done', 'done'])
  })
})

describe(`${PostgresLedger.name}.hold`, () => {
  it('parks a task until somebody decides', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    const attemptEnd = makeAttemptEnd(task, { state: 'maybe_paid' })
    await expect(replica.ledger.hold(task, 'maybe_paid', { attemptEnd })).resolves.toBe('done')
    await expect(readQueue(database)).resolves.toMatchObject({
      state: 'held',
      reason: 'maybe_paid',
      maybe_paid: 1,
      lease_id: null,
      deferral_class: null,
      deferrals: 0,
    })
    await makeDue(database)
    await expect(replica.ledger.claim(makeClaimRoom(10))).resolves.toEqual([])
  })

  it('keeps the template of the run', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    await replica.ledger.hold(task, 'maybe_paid', { attemptEnd: makeAttemptEnd(task, { state: 'maybe_paid' }), promptVersion: 'summary@1' })
    await expect(readQueue(database)).resolves.toMatchObject({ prompt_version: 'summary@1' })
  })

  it('waits for no reaper in a circle, when its lease has ended and it lives after all', async () => {
    const database = await createLedgerDatabase()
    const [zombie, reaper] = [await openReplica(database), await openReplica(database)]
    await zombie.ledger.accept(makeNewTask())
    const task = await claimOne(zombie)
    const held = await reaper.pool.transaction(async (transaction) => {
      await transaction.run({ name: 'take-task', text: 'SELECT id FROM task_queue WHERE id = $1 FOR UPDATE' }, [task.id])
      const deferred = zombie.ledger.hold(task, 'maybe_paid', { attemptEnd: makeAttemptEnd(task, { state: 'maybe_paid' }) })
      await expect
        .poll(() =>
          database.sql.value(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`),
        )
        .toBe(1)
      await transaction.run({ name: 'be-impatient', text: `SET LOCAL lock_timeout = '500ms'` }, [])
      await transaction.run({ name: 'end-attempt', text: `UPDATE attempt SET state = 'maybe_paid' WHERE task_number = $1` }, [task.id])
      return { deferred }
    })
    await expect(held.deferred).resolves.toBe('done')
  })
})
