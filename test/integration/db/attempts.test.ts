import { describe, expect, it } from 'vitest'
import { TaskError, type AttemptEnd } from '#libs/kernel'
import { PostgresLedger } from '../../../libs/db/src/ledger/postgres-ledger.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeAnswer } from '../../factories/answer.factory.js'
import { makeAttemptEnd } from '../../factories/attempt-end.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeFailedEnd, makeRunEnd } from '../../factories/run-end.factory.js'
import { createLedgerDatabase, type TestDatabase } from './test-database.js'
import { claimOne, openReplica } from './test-replica.js'

async function readAttempts({ sql }: TestDatabase): Promise<Record<string, unknown>[]> {
  return sql.rows('SELECT * FROM attempt ORDER BY number')
}

describe(`${PostgresLedger.name}.recordAnswer`, () => {
  it('keeps the bytes as they came and marks the attempt', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    const answer = makeAnswer('', { body: Buffer.from([0, 255, 10, 0]), headers: { 'x-request-id': 'ю "quoted" \\' }, durationMs: 12.7 })
    await replica.ledger.recordAnswer(task, task.attempt!, answer)
    const [row] = await database.sql.rows<Record<string, unknown>>('SELECT * FROM answer')
    expect(row).toMatchObject({ body: answer.body, headers: answer.headers, status: 200, duration_ms: 13, attempt_id: task.attempt!.id })
    await expect(readAttempts(database)).resolves.toMatchObject([{ state: 'answered', ended_at: expect.any(Date) }])
  })

  it('keeps the first answer of an attempt', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    await replica.ledger.recordAnswer(task, task.attempt!, makeAnswer('first'))
    await replica.ledger.recordAnswer(task, task.attempt!, makeAnswer('second'))
    await expect(database.sql.value(`SELECT convert_from(body, 'UTF8') FROM answer`)).resolves.toContain('first')
  })

  it('keeps the answer of a task that has gone to another replica', async () => {
    const database = await createLedgerDatabase()
    const zombie = await openReplica(database)
    await zombie.ledger.accept(makeNewTask())
    const task = await claimOne(zombie)
    await database.sql.rows(
      `UPDATE task_queue SET state = 'pending', lease_id = NULL; UPDATE worker_lease SET state = 'reaped'; UPDATE attempt SET state = 'maybe_paid'`,
    )
    await zombie.ledger.recordAnswer(task, task.attempt!, makeAnswer('late'))
    await expect(readAttempts(database)).resolves.toMatchObject([{ state: 'answered' }])
    await expect(database.sql.value('SELECT count(*) FROM answer')).resolves.toBe(1)
  })

  it('does not touch an attempt that was refused', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    await database.sql.rows(`UPDATE attempt SET state = 'refused'`)
    await replica.ledger.recordAnswer(task, task.attempt!, makeAnswer())
    await expect(readAttempts(database)).resolves.toMatchObject([{ state: 'refused' }])
  })

  it('gives up an answer whose day retention has removed: waiting for ever, it would stop all new work', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    await database.sql.rows(`DROP TABLE answer_${task.acceptedOn.replaceAll('-', '')}`)
    await expect(replica.ledger.recordAnswer(task, task.attempt!, makeAnswer())).rejects.toMatchObject({
      code: 'internal',
      message: `retention has removed all tasks of ${task.acceptedOn}`,
    })
    await expect(replica.ledger.claim(makeClaimRoom(1))).resolves.toEqual([])
  })

  it('stores the answers of a batch beside one that PostgreSQL does not take', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    await Promise.all([1, 2, 3].map(() => ledger.accept(makeNewTask())))
    const tasks = await ledger.claim(makeClaimRoom(3))
    const answers = [makeAnswer('a'), makeAnswer('b', { durationMs: 1e12 }), makeAnswer('c')]
    const results = await Promise.allSettled(tasks.map((task, index) => ledger.recordAnswer(task, task.attempt!, answers[index]!)))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })
})

describe(`${PostgresLedger.name}, a stored answer`, () => {
  it('is found at the next claim, which opens no attempt', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const first = await claimOne(replica)
    await replica.ledger.recordAnswer(first, first.attempt!, makeAnswer('paid', { headers: { 'x-request-id': 'r' }, durationMs: 5 }))
    await replica.ledger.defer({
      task: first,
      delayMs: 0,
      reason: 'storage_unavailable',
      deferralClass: 'storage_down',
      countsAttempt: false,
    })
    const second = await claimOne(replica)
    expect(second).toMatchObject({
      attempt: null,
      attempts: 1,
      storedAnswer: { attemptId: first.attempt!.id, attemptNumber: 1, status: 200, headers: { 'x-request-id': 'r' }, durationMs: 5 },
    })
    expect(second.storedAnswer!.body.toString()).toContain('paid')
    await expect(readAttempts(database)).resolves.toHaveLength(1)
  })

  it('brings the template with which it was made, and none where there was none', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    await Promise.all(['with', 'without'].map((taskId) => replica.ledger.accept(makeNewTask({ taskId }))))
    for (const task of await replica.ledger.claim(makeClaimRoom(2))) {
      const answer = { ...makeAnswer(), ...(task.taskId === 'with' && { promptVersion: 'summary@2' }) }
      await replica.ledger.recordAnswer(task, task.attempt!, answer)
      await replica.ledger.defer({ task, delayMs: 0, reason: 'storage_unavailable', deferralClass: 'storage_down', countsAttempt: false })
    }
    const stored = new Map((await replica.ledger.claim(makeClaimRoom(2))).map(({ taskId, storedAnswer }) => [taskId, storedAnswer]))
    expect(stored.get('with')).toHaveProperty('promptVersion', 'summary@2')
    expect(stored.get('without')).not.toHaveProperty('promptVersion')
  })

  it('is not bought again by a task that waits for it again and again', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const first = await claimOne(replica)
    await replica.ledger.recordAnswer(first, first.attempt!, makeAnswer())
    for (let round = 0; round < 5; round++) {
      const task = round === 0 ? first : await claimOne(replica)
      await replica.ledger.defer({ task, delayMs: 0, reason: 'storage_unavailable', deferralClass: 'storage_down', countsAttempt: false })
    }
    const last = await claimOne(replica)
    expect(last).toMatchObject({ attempts: 1, storedAnswer: { attemptNumber: 1 } })
    await replica.ledger.finish(makeRunEnd(last))
    await expect(database.sql.value('SELECT attempts FROM run_record')).resolves.toBe(1)
  })

  it('wins over a later one: the first that was received counts', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    const end = makeAttemptEnd(task, { state: 'maybe_paid' })
    const next = await replica.ledger.openAttempt(task, { attemptEnd: end, countsAttempt: true })
    await replica.ledger.recordAnswer(task, next!, makeAnswer('second attempt'))
    await replica.ledger.recordAnswer(task, task.attempt!, makeAnswer('late answer of the first'))
    await replica.ledger.defer({ task, delayMs: 0, reason: 'storage_unavailable', deferralClass: 'storage_down', countsAttempt: false })
    const claimed = await claimOne(replica)
    expect(claimed.storedAnswer).toMatchObject({ attemptNumber: 2 })
  })
})

describe(`${PostgresLedger.name}.openAttempt`, () => {
  it('ends the last attempt and opens the next one', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    const attemptEnd = makeAttemptEnd(task, { httpStatus: 401, excerpt: 'token \0 expired' })
    const next = await replica.ledger.openAttempt(task, { attemptEnd, countsAttempt: false, promptVersion: 'summary@1' })
    expect(next).toEqual({ id: expect.any(String), number: 2 })
    await expect(readAttempts(database)).resolves.toMatchObject([
      { state: 'refused', http_status: 401, error_code: 'llm_server_error', excerpt: 'token \u{FFFD} expired', counted: true },
      { state: 'sending', id: next!.id, counted: false },
    ])
    await expect(database.sql.rows('SELECT sends, attempts, prompt_version FROM task_queue')).resolves.toEqual([
      { sends: 2, attempts: 1, prompt_version: 'summary@1' },
    ])
  })

  it('remembers over dispatches that the run has had its free attempt', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    await replica.ledger.accept(makeNewTask())
    const deferral = { delayMs: 0, reason: 'llm_unauthorized', deferralClass: 'internal', countsAttempt: false } as const
    const first = await claimOne(replica)
    await replica.ledger.defer({ task: first, ...deferral, attemptEnd: makeAttemptEnd(first) })
    const second = await claimOne(replica)
    expect([first.freeAttemptUsed, second.freeAttemptUsed]).toEqual([false, false])
    const free = await replica.ledger.openAttempt(second, { attemptEnd: makeAttemptEnd(second), countsAttempt: false })
    await replica.ledger.defer({ task: second, ...deferral, attemptEnd: makeAttemptEnd({ attempt: free }) })
    await expect(claimOne(replica)).resolves.toMatchObject({ freeAttemptUsed: true, attempt: { number: 4 } })
  })

  it('opens the first attempt of a task with files', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask({ hasFiles: true }))
    const task = await claimOne(replica)
    await expect(replica.ledger.openAttempt(task, { countsAttempt: true })).resolves.toMatchObject({ number: 1 })
    await expect(database.sql.rows('SELECT attempts, prepare FROM task_queue')).resolves.toEqual([{ attempts: 1, prepare: false }])
  })

  it('opens nothing when the task has gone to another replica', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask({ hasFiles: true }))
    const task = await claimOne(replica)
    await database.sql.rows(`UPDATE task_queue SET lease_id = lease_id + 1`)
    await expect(replica.ledger.openAttempt(task, { countsAttempt: true })).resolves.toBeNull()
    await expect(readAttempts(database)).resolves.toEqual([])
  })

  it('opens nothing and puts the task back when an earlier attempt has been answered meanwhile', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    await replica.ledger.recordAnswer(task, task.attempt!, makeAnswer('late'))
    await expect(replica.ledger.openAttempt(task, { countsAttempt: true })).resolves.toBeNull()
    await expect(claimOne(replica)).resolves.toMatchObject({ attempt: null, storedAnswer: { attemptNumber: 1 } })
  })
})

describe('an attempt without an answer that is kept', () => {
  const ends: readonly [string, Partial<AttemptEnd>, boolean][] = [
    ['a call that may have been paid for', { state: 'maybe_paid' }, true],
    ['an answer that was too large', { state: 'answered', error: TaskError.invalid('answer_too_large', 'cut off') }, true],
    ['an error of the provider', { state: 'refused', httpStatus: 500 }, true],
    ['a refusal', { state: 'refused', httpStatus: 400 }, false],
    ['a call that was not sent', { state: 'not_sent' }, false],
  ]

  it.each(ends)('is booked with what was reserved, or with nothing: %s', async (_, fields, isBooked) => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    await replica.ledger.finish(makeFailedEnd(task, { attemptEnd: makeAttemptEnd(task, fields) }))
    const [{ booked_tokens: booked, reserved_tokens: reserved } = {}] = await readAttempts(database)
    expect(reserved).toBeGreaterThan(0)
    expect(booked).toBe(isBooked ? reserved : 0)
  })
})
