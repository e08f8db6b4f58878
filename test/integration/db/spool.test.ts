import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Logger } from '@nestjs/common'
import type { ClaimedTask } from '#libs/kernel'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { PostgresLedger } from '../../../libs/db/src/ledger/postgres-ledger.js'
import { AbandonedAnswers } from '../../../libs/db/src/spool/abandoned-answers.js'
import { encodeSpoolRecord } from '../../../libs/db/src/spool/spool-record.js'
import { SpoolFolder } from '../../../libs/db/src/spool/spool.folder.js'
import { ResilienceEvents } from '#libs/resilience'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeAnswer } from '../../factories/answer.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeReceivedAnswer } from '../../factories/received-answer.factory.js'
import { makeTemporaryFolder } from '../../factories/temporary-folder.factory.js'
import { openProxiedReplica } from './proxied-replica.js'
import { createLedgerDatabase } from './test-database.js'
import { claimOne, openReplica } from './test-replica.js'

const SHORT_MS = 400

const log = vi.spyOn(Logger.prototype, 'log').mockReturnValue()
const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue()
const logError = vi.spyOn(Logger.prototype, 'error').mockReturnValue()

beforeEach(() => [log, warn, logError].forEach((spy) => spy.mockClear()))

/** The file that a dead process has left in a folder. */
async function leaveFile(...records: readonly Buffer[]) {
  const parent = makeTemporaryFolder()
  const folder = new SpoolFolder(parent)
  await folder.prepare()
  writeFileSync(folder.pathsOf('dead').answers, Buffer.concat(records))
  return { parent, folder }
}

const recordOf = (task: ClaimedTask, text: string) => encodeSpoolRecord({ task, attempt: task.attempt!, answer: makeAnswer(text) })

describe(AbandonedAnswers.name, () => {
  it('are stored before their tasks are freed, and nothing may have been paid for in vain', async () => {
    const database = await createLedgerDatabase()
    const dead = await openReplica(database, { leaseMs: SHORT_MS })
    await dead.ledger.accept(makeNewTask())
    const { parent, folder } = await leaveFile(recordOf(await claimOne(dead), 'spooled'))
    await dead.die()
    const heir = await openReplica(database, { leaseMs: SHORT_MS, spoolParent: parent })
    await expect(once(heir.lease.events, 'reaped')).resolves.toEqual([{ tasks: 1, maybePaid: 0 }])
    const { storedAnswer, attempt } = await claimOne(heir)
    expect(attempt).toBeNull()
    expect(storedAnswer!.body).toEqual(makeAnswer('spooled').body)
    await expect(folder.list()).resolves.toEqual([])
    expect(log).toHaveBeenCalledWith('answers of a dead process were stored', expect.objectContaining({ stored: 1 }))
  })

  it('are stored when the attempt counts as maybe_paid by now, unless it has an answer', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await Promise.all(['late', 'answered'].map((taskId) => replica.ledger.accept(makeNewTask({ taskId }))))
    const tasks = await replica.ledger.claim(makeClaimRoom(10))
    const [late, answered] = ['late', 'answered'].map((id) => tasks.find(({ taskId }) => taskId === id)!)
    await database.sql.rows(`UPDATE attempt SET state = 'maybe_paid' WHERE task_number = $1`, [late!.id])
    await replica.ledger.recordAnswer(answered!, answered!.attempt!, makeAnswer('first'))
    const { parent } = await leaveFile(recordOf(late!, 'late'), recordOf(answered!, 'second'))
    await new AbandonedAnswers(replica.pool, parent).bringIn()
    await expect(database.sql.rows('SELECT state FROM attempt')).resolves.toEqual([{ state: 'answered' }, { state: 'answered' }])
    const bodies = await database.sql.rows<{ body: Buffer }>('SELECT body FROM answer ORDER BY task_number = $1', [late!.id])
    expect(bodies.map(({ body }) => body)).toEqual([makeAnswer('first').body, makeAnswer('late').body])
  })

  it('are left where they are when they belong to another ledger', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    const { parent, folder } = await leaveFile(encodeSpoolRecord(makeReceivedAnswer()))
    const abandoned = new AbandonedAnswers(replica.pool, parent)
    await abandoned.bringIn()
    await abandoned.bringIn()
    await expect(folder.list()).resolves.toEqual(['dead'])
    expect(warn).toHaveBeenCalledTimes(1)
  })

  it('are set aside when PostgreSQL refuses one of them, and the others are stored', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await Promise.all([replica.ledger.accept(makeNewTask()), replica.ledger.accept(makeNewTask())])
    const [good, bad] = await replica.ledger.claim(makeClaimRoom(10))
    const refused = encodeSpoolRecord({ task: bad!, attempt: bad!.attempt!, answer: makeAnswer('', { status: 2 ** 31 }) })
    const { parent, folder } = await leaveFile(refused, recordOf(good!, 'good'))
    await new AbandonedAnswers(replica.pool, parent).bringIn()
    await expect(database.sql.rows('SELECT task_number FROM answer')).resolves.toEqual([{ task_number: good!.id }])
    await expect(folder.list()).resolves.toEqual([])
    expect(logError).toHaveBeenCalledWith(expect.stringContaining('set aside'), expect.objectContaining({ stored: 1, refused: 1 }))
  })

  it('keep nobody from working when their folder cannot be read, which is told once', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    const parent = makeTemporaryFolder()
    writeFileSync(new SpoolFolder(parent).path, 'no folder')
    const abandoned = new AbandonedAnswers(replica.pool, parent)
    await abandoned.bringIn()
    await abandoned.bringIn()
    expect(logError).toHaveBeenCalledTimes(1)
  })
})

describe(`${PostgresLedger.name}, when PostgreSQL is back`, () => {
  it('stores the answers that wait before it claims', async () => {
    const database = await createLedgerDatabase()
    const events = new ResilienceEvents()
    // Its breaker must not be what keeps the claim away.
    const replica = await openProxiedReplica(database, { events, env: { DATABASE_BREAKER_FAILURES: '1000' } })
    const { ledger, proxy } = replica
    await ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    await openReplica(database).then((other) => other.ledger.accept(makeNewTask({ taskId: 'next' })))
    proxy.refuse()
    proxy.cut()
    const failed = new Promise<void>((resolve) => events.once('retried', () => resolve()))
    const recorded = ledger.recordAnswer(task, task.attempt!, makeAnswer()).then(() => 'recorded')
    await failed
    proxy.accept()
    const isFirst = ledger.claim(makeClaimRoom(10)).then(
      () => 'claimed',
      (error: unknown) => error,
    )
    await expect(isFirst).resolves.toMatchObject({ code: 'ledger_unavailable', message: 'answers that wait to be stored go first' })
    await expect(recorded).resolves.toBe('recorded')
    await expect(claimOne(replica)).resolves.toMatchObject({ taskId: 'next' })
  })

  it('has no room for a further answer while so many wait, and room again when they are stored', async () => {
    const database = await createLedgerDatabase()
    const replica = await openProxiedReplica(database, { env: { ANSWERS_WAITING_BYTES: '10' } })
    const { ledger, proxy } = replica
    await ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    expect(ledger.hasRoomForAnswers).toBe(true)
    proxy.refuse()
    proxy.cut()
    const recorded = ledger.recordAnswer(task, task.attempt!, makeAnswer())
    expect(ledger.hasRoomForAnswers).toBe(false)
    proxy.accept()
    await recorded
    expect(ledger.hasRoomForAnswers).toBe(true)
  })
})
