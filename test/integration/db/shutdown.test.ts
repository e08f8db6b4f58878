import { Logger } from '@nestjs/common'
import { ResilienceEvents } from '#libs/resilience'
import { describe, expect, it, vi } from 'vitest'
import { DatabaseLifecycle } from '../../../libs/db/src/database.lifecycle.js'
import { createIntakeGate } from '../../../libs/db/src/ledger/create-intake-gate.js'
import { AbandonedAnswers } from '../../../libs/db/src/spool/abandoned-answers.js'
import { SpoolLifecycle } from '../../../libs/db/src/spool/spool.lifecycle.js'
import { makeAnswer } from '../../factories/answer.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { createLedgerDatabase, makeDbSettings, type TestDatabase } from './test-database.js'
import { claimOne, openReplica, type TestReplica } from './test-replica.js'

const logError = vi.spyOn(Logger.prototype, 'error').mockReturnValue()

function makeLifecycle({ url }: TestDatabase, { pool, lease, due, ledger }: TestReplica): DatabaseLifecycle {
  const settings = makeDbSettings(url)
  const gate = createIntakeGate({ pool, caps: settings.caps, events: new ResilienceEvents() })
  const spool = new SpoolLifecycle(ledger, { ...settings.spool, parentFolder: undefined })
  return new DatabaseLifecycle(settings, pool, lease, gate, due, ledger, new AbandonedAnswers(pool, undefined), spool)
}

/** A ledger whose disk is full, and a replica that has received an answer meanwhile. */
async function openScene() {
  const database = await createLedgerDatabase()
  await database.sql.rows(`
    CREATE FUNCTION refuse_answers() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$`)
  await database.sql.rows('CREATE TRIGGER disk_full BEFORE INSERT ON answer EXECUTE FUNCTION refuse_answers()')
  const replica = await openReplica(database)
  await replica.ledger.accept(makeNewTask())
  const task = await claimOne(replica)
  const recorded = replica.ledger.recordAnswer(task, task.attempt!, makeAnswer('paid for'))
  await expect.poll(() => replica.ledger.waitingAnswers.mustGoFirst).toBe(true)
  return { database, lifecycle: makeLifecycle(database, replica), recorded: recorded.catch((error: unknown) => error) }
}

const readLease = ({ sql }: TestDatabase) => sql.value('SELECT state FROM worker_lease')
const readAttempt = ({ sql }: TestDatabase) => sql.value('SELECT state FROM attempt')

describe(`${DatabaseLifecycle.name}, at the end with an answer that PostgreSQL has not taken`, () => {
  it('leaves the lease to expire: given back, the call would be made and paid for again', async () => {
    const { database, lifecycle, recorded } = await openScene()
    await lifecycle.onApplicationShutdown()
    await expect(recorded).resolves.toMatchObject({ code: 'shutdown' })
    await expect(readLease(database)).resolves.toBe('held')
    await expect(readAttempt(database)).resolves.toBe('sending')
    expect(logError).toHaveBeenCalledWith(
      'answers could not be stored: the lease is left to expire',
      expect.objectContaining({ answers: 1 }),
    )
  })

  it('stores it in one last try, and gives the lease back', async () => {
    const { database, lifecycle } = await openScene()
    await database.sql.rows('DROP TRIGGER disk_full ON answer')
    await lifecycle.onApplicationShutdown()
    await expect(readLease(database)).resolves.toBe('released')
    await expect(readAttempt(database)).resolves.toBe('answered')
  })
})
