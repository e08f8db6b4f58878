import { describe, expect, it } from 'vitest'
import { PostgresLedger } from '../../../libs/db/src/ledger/postgres-ledger.js'
import { makeAnswer } from '../../factories/answer.factory.js'
import { makeAttemptEnd } from '../../factories/attempt-end.factory.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeKeyedTasks, makeNewTask } from '../../factories/new-task.factory.js'
import { makeRunEnd } from '../../factories/run-end.factory.js'
import { createLedgerDatabase, type TestDatabase } from './test-database.js'
import { claimOne, openReplica } from './test-replica.js'

const HOUR_MS = 3_600_000

async function passDeadlines({ sql }: TestDatabase): Promise<void> {
  await sql.rows(`UPDATE task_queue SET deadline = now() - interval '2 seconds'`)
}

describe(`${PostgresLedger.name}.claimLate`, () => {
  it('takes a task whose route is closed, without an attempt, and leaves those that are not late', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    await ledger.accept(makeNewTask({ taskId: 'late', deadlineMs: Date.now() - 2_000 }))
    await ledger.accept(makeNewTask({ taskId: 'in time', deadlineMs: Date.now() + HOUR_MS }))
    await ledger.accept(makeNewTask({ taskId: 'no deadline', deadlineMs: null }))
    await database.sql.rows(
      `INSERT INTO route_breaker (provider, model, status, open_until) SELECT DISTINCT provider, model, 'open', now() + interval '1 hour' FROM task_queue`,
    )
    await expect(ledger.claim(makeClaimRoom(10))).resolves.toEqual([])
    const tasks = await ledger.claimLate(10)
    expect(tasks).toMatchObject([{ taskId: 'late', attempt: null, attempts: 0 }])
    await expect(database.sql.value('SELECT count(*) FROM attempt')).resolves.toBe(0)
    await expect(ledger.claimLate(10)).resolves.toEqual([])
    await expect(ledger.finish(makeRunEnd(tasks[0]!))).resolves.toMatchObject({ kind: 'finished' })
  })

  it('takes one that is put back until later', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask({ deadlineMs: Date.now() + HOUR_MS }))
    const task = await claimOne(replica)
    const deferral = { delayMs: HOUR_MS / 2, reason: 'llm_rate_limited', deferralClass: 'rate_limited', countsAttempt: false } as const
    await replica.ledger.defer({ task, ...deferral, attemptEnd: makeAttemptEnd(task) })
    await expect(replica.ledger.claimLate(10)).resolves.toEqual([])
    await passDeadlines(database)
    await expect(replica.ledger.claimLate(10)).resolves.toMatchObject([{ id: task.id, attempt: null }])
  })

  it('brings a stored answer along, from which the run is finished all the same', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask({ deadlineMs: Date.now() + HOUR_MS }))
    const task = await claimOne(replica)
    await replica.ledger.recordAnswer(task, task.attempt!, makeAnswer())
    await replica.ledger.defer({
      task,
      delayMs: HOUR_MS,
      reason: 'storage_unavailable',
      deferralClass: 'storage_down',
      countsAttempt: false,
    })
    await passDeadlines(database)
    await expect(replica.ledger.claimLate(10)).resolves.toMatchObject([{ storedAnswer: { attemptNumber: 1 } }])
  })

  it('lets a task keep its place behind the head of its key', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    for (const task of makeKeyedTasks('k', 2)) await replica.ledger.accept(task)
    const head = await claimOne(replica)
    await passDeadlines(database)
    await expect(replica.ledger.claimLate(10)).resolves.toEqual([])
    await replica.ledger.finish(makeRunEnd(head))
    await expect(replica.ledger.claimLate(10)).resolves.toMatchObject([{ source: { offset: head.source.offset + 1n } }])
  })

  it('gives each to one of two replicas that look at the same time', async () => {
    const database = await createLedgerDatabase()
    const [one, other] = [await openReplica(database), await openReplica(database)]
    await Promise.all(Array.from({ length: 20 }, () => one.ledger.accept(makeNewTask({ deadlineMs: Date.now() - 2_000 }))))
    const claimed = await Promise.all([one.ledger.claimLate(20), other.ledger.claimLate(20)])
    expect(new Set(claimed.flat().map(({ id }) => id)).size).toBe(claimed.flat().length)
    const rest = await one.ledger.claimLate(20)
    expect(claimed.flat().length + rest.length).toBe(20)
  })
})
