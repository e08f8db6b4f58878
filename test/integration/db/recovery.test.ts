import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { classifyError, type ClaimedTask } from '#libs/kernel'
import { PostgresLedger } from '../../../libs/db/src/ledger/postgres-ledger.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeAnswer } from '../../factories/answer.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeRunEnd } from '../../factories/run-end.factory.js'
import { openProxiedReplica } from './proxied-replica.js'
import { createLedgerDatabase, type TestDatabase } from './test-database.js'
import { claimOne } from './test-replica.js'

type ProxiedReplica = Awaited<ReturnType<typeof openProxiedReplica>>

/** PostgreSQL does the claim, but nobody is told. */
async function loseClaim(replica: ProxiedReplica, { sql }: TestDatabase): Promise<void> {
  replica.proxy.deafenAfter('claim\0')
  const cutWhenClaimed = async () => {
    await expect.poll(() => sql.value(`SELECT count(*) FROM task_queue WHERE state = 'pending'`)).toBe(0)
    replica.proxy.cut()
  }
  const [claim] = await Promise.allSettled([replica.ledger.claim(makeClaimRoom(10)), cutWhenClaimed()])
  expect(claim).toMatchObject({ status: 'rejected', reason: { code: 'ledger_unavailable' } })
}

/** As its transport does: another connection of the pool may have been cut as well, without anybody having noticed yet. */
async function claimAgain(replica: ProxiedReplica): Promise<ClaimedTask> {
  for (;;) {
    try {
      return await claimOne(replica)
    } catch (error) {
      if (classifyError(error).code !== 'ledger_unavailable') throw error
    }
  }
}

describe(`${PostgresLedger.name}, after a claim whose answer was lost`, () => {
  it('claims the same tasks again, and the lost attempts were not sent', async () => {
    const database = await createLedgerDatabase()
    const replica = await openProxiedReplica(database)
    await replica.ledger.accept(makeNewTask())
    await loseClaim(replica, database)
    await expect(claimAgain(replica)).resolves.toMatchObject({ attempts: 1, attempt: { number: 2 }, maybePaid: 0 })
    await expect(database.sql.rows('SELECT number, state FROM attempt ORDER BY 1')).resolves.toEqual([
      { number: 1, state: 'not_sent' },
      { number: 2, state: 'sending' },
    ])
  })

  it('leaves alone what this replica knows to hold', async () => {
    const database = await createLedgerDatabase()
    const replica = await openProxiedReplica(database)
    await replica.ledger.accept(makeNewTask({ taskId: 'known' }))
    const known = await claimOne(replica)
    await replica.ledger.accept(makeNewTask({ taskId: 'lost' }))
    await loseClaim(replica, database)
    await expect(claimAgain(replica)).resolves.toMatchObject({ taskId: 'lost' })
    await expect(replica.ledger.finish(makeRunEnd(known))).resolves.toMatchObject({ kind: 'finished' })
  })

  it('takes no attempt back from a task that had its answer', async () => {
    const database = await createLedgerDatabase()
    const replica = await openProxiedReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    await replica.ledger.recordAnswer(task, task.attempt!, makeAnswer())
    await replica.ledger.defer({ task, delayMs: 0, reason: 'storage_unavailable', deferralClass: 'storage_down', countsAttempt: false })
    await loseClaim(replica, database)
    await expect(claimAgain(replica)).resolves.toMatchObject({ attempts: 1, storedAnswer: { attemptNumber: 1 } })
  })

  it('finds a claim that PostgreSQL commits only after the first look', async () => {
    const database = await createLedgerDatabase()
    const replica = await openProxiedReplica(database)
    await replica.ledger.accept(makeNewTask())
    await loseClaim(replica, database)
    await claimAgain(replica)
    await replica.ledger.accept(makeNewTask({ taskId: 'late' }))
    await database.sql.rows(`UPDATE task_queue SET state = 'running', lease_id = $1, claims = 1 WHERE state = 'pending'`, [
      replica.lease.fence,
    ])
    await expect(claimOne(replica)).resolves.toMatchObject({ taskId: 'late' })
  })

  it('finds one that comes when nothing was expected of it any more, out of a server that stood still', async () => {
    const database = await createLedgerDatabase()
    const replica = await openProxiedReplica(database, { env: { DATABASE_STATEMENT_TIMEOUT_MS: '1000' } })
    await replica.ledger.accept(makeNewTask())
    await loseClaim(replica, database)
    await claimAgain(replica)
    await setTimeout(1_100)
    await expect(replica.ledger.claim(makeClaimRoom(10))).resolves.toEqual([])
    await replica.ledger.accept(makeNewTask({ taskId: 'late' }))
    await database.sql.rows(`UPDATE task_queue SET state = 'running', lease_id = $1, claims = 1 WHERE state = 'pending'`, [
      replica.lease.fence,
    ])
    await expect.poll(() => replica.ledger.claim(makeClaimRoom(10)), { timeout: 10_000 }).toMatchObject([{ taskId: 'late' }])
  })

  it('gives back a task that it holds by an earlier claim than the lost one', async () => {
    const database = await createLedgerDatabase()
    const replica = await openProxiedReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    await database.sql.rows(`UPDATE task_queue SET state = 'pending', lease_id = NULL`)
    await loseClaim(replica, database)
    await expect(claimAgain(replica)).resolves.toMatchObject({ id: task.id, claim: task.claim + 2 })
  })
})
