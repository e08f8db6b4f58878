import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { HotPool } from '../../../libs/db/src/connection/hot-pool.js'
import { reapLeases } from '../../../libs/db/src/lease/lease.statements.js'
import { PostgresWorkerLease } from '../../../libs/db/src/lease/postgres-worker-lease.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeAnswer } from '../../factories/answer.factory.js'
import { makeKeyedTasks, makeNewTask } from '../../factories/new-task.factory.js'
import { makeRunEnd } from '../../factories/run-end.factory.js'
import { openProxiedReplica } from './proxied-replica.js'
import { createLedgerDatabase, makeDbSettings, type TestDatabase } from './test-database.js'
import { claimOne, openReplica, type TestReplica } from './test-replica.js'

const SHORT_MS = 400
const STEADY_MS = 1_000

async function expire({ sql }: TestDatabase, { lease }: TestReplica): Promise<void> {
  await sql.rows(`UPDATE worker_lease SET expires_at = now() - interval '1 second' WHERE id = $1`, [lease.fence])
}

async function readLeases({ sql }: TestDatabase): Promise<string[]> {
  const rows = await sql.rows<{ state: string }>('SELECT state FROM worker_lease ORDER BY id')
  return rows.map(({ state }) => state)
}

/** Until it would reap. */
async function steady({ lease }: TestReplica): Promise<void> {
  const inside = lease as unknown as { steadySinceMs: number }
  await expect.poll(() => performance.now() - inside.steadySinceMs).toBeGreaterThan(STEADY_MS)
}

describe(PostgresWorkerLease.name, () => {
  it('frees the tasks of a dead replica, and says which calls may have been paid for', async () => {
    const database = await createLedgerDatabase()
    const dead = await openReplica(database)
    await Promise.all([
      dead.ledger.accept(makeNewTask({ taskId: 'sending' })),
      dead.ledger.accept(makeNewTask({ taskId: 'preparing', hasFiles: true })),
      dead.ledger.accept(makeNewTask({ taskId: 'answered' })),
    ])
    const tasks = await dead.ledger.claim(makeClaimRoom(10))
    const answered = tasks.find(({ taskId }) => taskId === 'answered')!
    await dead.ledger.recordAnswer(answered, answered.attempt!, makeAnswer())
    await expire(database, dead)
    await dead.die()
    const heir = await openReplica(database, { leaseMs: SHORT_MS })
    await expect(once(heir.lease.events, 'reaped')).resolves.toEqual([{ tasks: 3, maybePaid: 1 }])
    // They are let out one by one; here all at once.
    await database.sql.rows('UPDATE task_queue SET run_at = now()')
    const inherited = await heir.ledger.claim(makeClaimRoom(10))
    const byId = Object.fromEntries(inherited.map((task) => [task.taskId, task]))
    expect(byId.sending).toMatchObject({ attempt: null, maybePaid: 1, attempts: 0, crashes: 0, storedAnswer: null })
    expect(byId.preparing).toMatchObject({ attempt: null, maybePaid: 0, attempts: 0, crashes: 0 })
    expect(byId.answered).toMatchObject({ attempt: null, maybePaid: 0, attempts: 1, storedAnswer: { attemptNumber: 1 } })
    await expect(
      database.sql.rows(`SELECT t.task_id, a.state, a.error_code FROM attempt a JOIN task t ON t.id = a.task_number ORDER BY 1`),
    ).resolves.toEqual([
      { task_id: 'answered', state: 'answered', error_code: null },
      { task_id: 'sending', state: 'maybe_paid', error_code: 'lease_lost' },
    ])
  })

  it('keeps a key blocked while its head is freed', async () => {
    const database = await createLedgerDatabase()
    const dead = await openReplica(database)
    for (const task of makeKeyedTasks('k', 2)) await dead.ledger.accept(task)
    const head = await claimOne(dead)
    await expire(database, dead)
    await dead.die()
    const heir = await openReplica(database, { leaseMs: SHORT_MS })
    await once(heir.lease.events, 'suspect')
    const again = await claimOne(heir)
    expect(again.taskId).toBe(head.taskId)
    await heir.ledger.finish(makeRunEnd(again))
    await expect(claimOne(heir)).resolves.toMatchObject({ source: { offset: head.source.offset + 1n } })
  })

  it('reaps nobody before it has itself been steady for a whole lease', async () => {
    const database = await createLedgerDatabase()
    const dead = await openReplica(database)
    await expire(database, dead)
    await dead.die()
    const heir = await openReplica(database, { leaseMs: 60_000 })
    const reap = (heir.lease as unknown as { reap(): Promise<void> }).reap.bind(heir.lease)
    await reap()
    await expect(readLeases(database)).resolves.toEqual(['held', 'held'])
  })

  it('reaps nobody after an outage before it has been steady for a whole lease again', async () => {
    const database = await createLedgerDatabase()
    const dead = await openReplica(database)
    const replica = await openProxiedReplica(database, { leaseMs: STEADY_MS })
    await steady(replica)
    replica.proxy.refuse()
    replica.proxy.cut()
    await expect.poll(() => replica.lease.isFresh).toBe(false)
    await expire(database, dead)
    await dead.die()
    replica.proxy.accept()
    await expect.poll(() => replica.lease.isFresh, { interval: 5 }).toBe(true)
    const backMs = performance.now()
    await expect.poll(() => readLeases(database), { interval: 20 }).toEqual(['reaped', 'held'])
    // Counted from the question of the first renewal that came through, a little before this test could see it.
    expect(performance.now() - backMs).toBeGreaterThan(STEADY_MS * 0.8)
  })

  it('aborts no call on a silence of many leases', async () => {
    const database = await createLedgerDatabase()
    const replica = await openProxiedReplica(database, {
      leaseMs: 500,
      env: { DATABASE_STATEMENT_TIMEOUT_MS: '200', DATABASE_QUERY_TIMEOUT_MS: '300' },
    })
    const { fence } = replica.lease
    const signal = replica.lease.signal()
    replica.proxy.refuse()
    replica.proxy.kill()
    for (let failures = 0; failures < 10; failures++) await once(replica.lease.events, 'error')
    expect(replica.lease.isFresh).toBe(false)
    expect(signal.aborted).toBe(false)
    replica.proxy.accept()
    await expect.poll(() => replica.lease.isFresh).toBe(true)
    expect(signal.aborted).toBe(false)
    expect(replica.lease.fence).toBe(fence)
  })

  it('does not reap itself, and keeps a lease that expired when nobody reaped it', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database, { leaseMs: SHORT_MS })
    const { fence } = replica.lease
    await expire(database, replica)
    await expect.poll(() => database.sql.value<boolean>('SELECT expires_at > now() FROM worker_lease WHERE id = $1', [fence])).toBe(true)
    expect(replica.lease.fence).toBe(fence)
    expect(replica.lease.signal().aborted).toBe(false)
  })

  it('aborts its calls and takes a new lease when it was reaped', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database, { leaseMs: SHORT_MS })
    const [signal, fence] = [replica.lease.signal(), replica.lease.fence]
    await database.sql.rows(`UPDATE worker_lease SET state = 'reaped'`)
    await once(signal, 'abort')
    expect(signal.reason).toMatchObject({ code: 'lease_lost', retryable: true })
    await expect.poll(() => replica.lease.fence).toBeGreaterThan(fence!)
    expect(replica.lease.signal().aborted).toBe(false)
  })

  it('takes a new lease when it could not take one at once after its loss', async () => {
    const database = await createLedgerDatabase()
    const replica = await openProxiedReplica(database, { leaseMs: SHORT_MS })
    await database.sql.rows(`ALTER TABLE worker_lease ADD CONSTRAINT no_room CHECK (state <> 'held') NOT VALID`)
    const lost = once(replica.lease.events, 'lost')
    await database.sql.rows(`UPDATE worker_lease SET state = 'reaped'`)
    await lost
    await expect.poll(() => replica.lease.fence).toBeNull()
    expect(replica.lease.signal().aborted).toBe(true)
    await database.sql.rows(`ALTER TABLE worker_lease DROP CONSTRAINT no_room`)
    await expect.poll(() => replica.lease.fence).not.toBeNull()
  })

  it('keeps its lease while PostgreSQL cannot be reached', async () => {
    const database = await createLedgerDatabase()
    const replica = await openProxiedReplica(database, { leaseMs: SHORT_MS })
    const { fence } = replica.lease
    replica.proxy.refuse()
    replica.proxy.cut()
    await once(replica.lease.events, 'error')
    expect(replica.lease.fence).toBe(fence)
    replica.proxy.accept()
    const [before] = await database.sql.rows<{ renewed_at: Date }>('SELECT renewed_at FROM worker_lease')
    await expect
      .poll(
        async () =>
          (await database.sql.rows<{ renewed_at: Date }>('SELECT renewed_at FROM worker_lease'))[0]!.renewed_at > before!.renewed_at,
      )
      .toBe(true)
    expect(replica.lease.signal().aborted).toBe(false)
  })

  it('frees what is left when it is given back, and counts no crash', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask({ hasFiles: true }))
    await claimOne(replica)
    await replica.stop()
    await expect(readLeases(database)).resolves.toEqual(['released'])
    await expect(database.sql.rows('SELECT state, crashes, attempts FROM task_queue')).resolves.toEqual([
      { state: 'pending', crashes: 0, attempts: 0 },
    ])
  })

  it('does nothing at a second stop', async () => {
    const database = await createLedgerDatabase()
    const { lease } = await openReplica(database)
    await Promise.all([lease.stop(), lease.stop()])
    await lease.stop()
    expect(lease.fence).toBeNull()
  })

  it('gives two replicas two leases', async () => {
    const database = await createLedgerDatabase()
    const [one, two] = [await openReplica(database), await openReplica(database)]
    expect(one.lease.fence).not.toBe(two.lease.fence)
  })

  it('lets a claim and a reaper of the same lease not both have a task', async () => {
    const database = await createLedgerDatabase()
    const pool = new HotPool(makeDbSettings(database.url))
    onTestFinished(() => pool.close())
    for (let round = 0; round < 10; round++) {
      const slow = await openReplica(database)
      await Promise.all(Array.from({ length: 20 }, () => slow.ledger.accept(makeNewTask())))
      await expire(database, slow)
      await Promise.all([slow.ledger.claim(makeClaimRoom(10)), slow.ledger.claim(makeClaimRoom(10)), reapLeases(pool, [slow.lease.fence!])])
      const stray = await database.sql.value<number>(
        `SELECT count(*) FROM task_queue q JOIN worker_lease l ON l.id = q.lease_id WHERE q.state = 'running' AND l.state <> 'held'`,
      )
      expect(stray).toBe(0)
      await slow.die()
    }
  })
})
