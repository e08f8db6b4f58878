import { describe, expect, it } from 'vitest'
import type { RouteFailure } from '#libs/kernel'
import { PostgresAdmissionStore } from '../../../libs/db/src/admission/postgres-admission.store.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { createLedgerDatabase, type TestDatabase } from '../db/test-database.js'
import { claimOne, openReplica } from '../db/test-replica.js'

const ROUTE = { provider: 'gigachat', model: 'GigaChat-2' }
const FAILURE: RouteFailure = { ...ROUTE, failures: 1, reason: 'llm_server_error', threshold: 3, openMs: 60_000, maxOpenMs: 200_000 }
const OPENING = { ...FAILURE, threshold: 1 }

/** Its time to be probed has come. */
async function openRoute({ store }: { readonly store: PostgresAdmissionStore }, { sql }: TestDatabase): Promise<void> {
  await store.reportFailure(OPENING)
  await sql.rows(`UPDATE route_breaker SET open_until = now() - interval '1 ms'`)
}

describe(`${PostgresAdmissionStore.name}, routes`, () => {
  it('opens a route at the threshold, for all replicas', async () => {
    const database = await createLedgerDatabase()
    const [one, two] = [await openReplica(database), await openReplica(database)]
    await expect(one.store.readRoutes()).resolves.toEqual([])
    await expect(one.store.reportFailure({ ...FAILURE, failures: 2 })).resolves.toMatchObject({ status: 'closed', failures: 2, leftMs: 0 })
    const opened = await two.store.reportFailure(FAILURE)
    expect(opened).toMatchObject({ ...ROUTE, status: 'open', failures: 3, reason: 'llm_server_error', openMs: 60_000, isOwnProbe: false })
    expect(opened.leftMs).toBeGreaterThan(59_000)
    await expect(one.store.readRoutes()).resolves.toMatchObject([{ status: 'open', failures: 3 }])
    // Those that are still coming in were sent before.
    await expect(one.store.reportFailure({ ...FAILURE, failures: 50, reason: 'llm_timeout' })).resolves.toMatchObject({
      openMs: 60_000,
      reason: 'llm_server_error',
    })
  })

  it('counts reports that come in at the same time', async () => {
    const database = await createLedgerDatabase()
    const { store } = await openReplica(database)
    await Promise.all(Array.from({ length: 20 }, () => store.reportFailure({ ...FAILURE, threshold: 1_000 })))
    await expect(store.readRoutes()).resolves.toMatchObject([{ failures: 20, status: 'closed' }])
  })

  it('forgets failures when a call has come back', async () => {
    const { store } = await openReplica(await createLedgerDatabase())
    await store.reportFailure({ ...FAILURE, failures: 2 })
    await store.reportSuccess(ROUTE)
    await expect(store.readRoutes()).resolves.toEqual([])
    await expect(store.reportFailure({ ...FAILURE, failures: 2 })).resolves.toMatchObject({ status: 'closed', failures: 2 })
  })

  it('gives the probe to one of eight that ask at once, when the time is up', async () => {
    const database = await createLedgerDatabase()
    const replicas = await Promise.all(Array.from({ length: 8 }, () => openReplica(database)))
    await replicas[0]!.store.reportFailure(OPENING)
    const askAll = () => Promise.all(replicas.map(({ store }) => store.takeProbe(ROUTE)))
    expect((await askAll()).filter(Boolean)).toHaveLength(0)
    for (let turn = 0; turn < 10; turn++) {
      await database.sql.rows(`UPDATE route_breaker SET status = 'open', open_until = now(), probe_lease_id = NULL`)
      const taken = await askAll()
      expect(taken.filter(Boolean)).toHaveLength(1)
      const holder = replicas[taken.indexOf(true)]!
      await expect(holder.store.readRoutes()).resolves.toMatchObject([{ status: 'half_open', isOwnProbe: true }])
      expect((await askAll()).filter(Boolean)).toHaveLength(0)
    }
  })

  it('closes by the probe alone, and opens for longer by it alone', async () => {
    const database = await createLedgerDatabase()
    const [prober, other] = [await openReplica(database), await openReplica(database)]
    await openRoute(prober, database)
    await other.store.reportSuccess(ROUTE)
    await expect(prober.store.takeProbe(ROUTE)).resolves.toBe(true)
    await other.store.reportSuccess(ROUTE)
    await expect(other.store.reportFailure(OPENING)).resolves.toMatchObject({ status: 'half_open', openMs: 60_000, isOwnProbe: false })
    await expect(prober.store.reportFailure(OPENING)).resolves.toMatchObject({ status: 'open', openMs: 120_000, isOwnProbe: false })
    for (const openMs of [200_000, 200_000]) {
      await database.sql.rows('UPDATE route_breaker SET open_until = now()')
      await prober.store.takeProbe(ROUTE)
      await expect(prober.store.reportFailure(OPENING)).resolves.toMatchObject({ openMs })
    }
    await database.sql.rows('UPDATE route_breaker SET open_until = now()')
    await prober.store.takeProbe(ROUTE)
    await prober.store.reportSuccess(ROUTE)
    await expect(other.store.readRoutes()).resolves.toEqual([])
    // The next time it starts from the beginning.
    await expect(other.store.reportFailure(OPENING)).resolves.toMatchObject({ openMs: 60_000 })
  })

  it('takes a returned probe back only from its holder', async () => {
    const database = await createLedgerDatabase()
    const [holder, other] = [await openReplica(database), await openReplica(database)]
    await openRoute(holder, database)
    await holder.store.takeProbe(ROUTE)
    await other.store.returnProbe(ROUTE)
    await expect(other.store.takeProbe(ROUTE)).resolves.toBe(false)
    await holder.store.returnProbe(ROUTE)
    await expect(other.store.takeProbe(ROUTE)).resolves.toBe(true)
  })

  it('lets another replica probe once the lease of the holder has ended, and only then', async () => {
    const database = await createLedgerDatabase()
    const [holder, heir] = [await openReplica(database), await openReplica(database)]
    await openRoute(holder, database)
    await holder.store.takeProbe(ROUTE)
    await database.sql.rows(`UPDATE worker_lease SET expires_at = now() - interval '1 s' WHERE id = $1`, [holder.lease.fence])
    await expect(heir.store.takeProbe(ROUTE)).resolves.toBe(false)
    await database.sql.rows(`UPDATE worker_lease SET state = 'reaped' WHERE id = $1`, [holder.lease.fence])
    await expect(heir.store.takeProbe(ROUTE)).resolves.toBe(true)
    // What its call came to says nothing any more.
    await holder.store.reportSuccess(ROUTE)
    await holder.store.reportFailure(OPENING)
    await expect(heir.store.readRoutes()).resolves.toMatchObject([{ status: 'half_open', isOwnProbe: true, openMs: 60_000 }])
  })

  it('claims nothing on a route that has opened since the replica last looked, but for its probe', async () => {
    const database = await createLedgerDatabase()
    const [one, two] = [await openReplica(database), await openReplica(database)]
    for (let task = 0; task < 3; task++) await one.ledger.accept(makeNewTask())
    await openRoute(two, database)
    await expect(one.ledger.claim(makeClaimRoom(5))).resolves.toEqual([])
    const probe = { ...makeClaimRoom(1), lanes: makeClaimRoom(1).lanes.map((lane) => ({ ...lane, isProbe: true })) }
    await expect(one.ledger.claim(probe)).resolves.toEqual([])
    await two.store.takeProbe(ROUTE)
    await expect(one.ledger.claim(probe)).resolves.toEqual([])
    await expect(two.ledger.claim(makeClaimRoom(5))).resolves.toEqual([])
    await expect(two.ledger.claim(probe)).resolves.toHaveLength(1)
    await two.store.reportSuccess(ROUTE)
    await expect(one.ledger.claim(makeClaimRoom(5))).resolves.toHaveLength(2)
  })

  it('claims tasks of other models while one is closed', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    await replica.ledger.accept(makeNewTask({ model: 'GigaChat-2-Max' }))
    await openRoute(replica, database)
    const lanes = ['GigaChat-2', 'GigaChat-2-Max'].map((model) => ({ ...makeClaimRoom(5).lanes[0]!, model }))
    const claimed = await replica.ledger.claim({ kind: 'due', tasks: 10, lanes })
    expect(claimed.map(({ model }) => model)).toEqual(['GigaChat-2-Max'])
  })

  it('opens no attempt on a route that has opened, and leaves the task as it was', async () => {
    const database = await createLedgerDatabase()
    const [one, two] = [await openReplica(database), await openReplica(database)]
    await one.ledger.accept(makeNewTask({ hasFiles: true }))
    const task = await claimOne(one)
    await openRoute(two, database)
    const refused = { code: 'route_closed', retryable: true }
    await expect(one.ledger.openAttempt(task, { countsAttempt: true })).rejects.toMatchObject(refused)
    await two.store.takeProbe(ROUTE)
    await expect(one.ledger.openAttempt(task, { countsAttempt: true })).rejects.toMatchObject(refused)
    const rows = await database.sql.rows('SELECT state, sends, attempts FROM task_queue')
    expect(rows).toEqual([{ state: 'running', sends: 0, attempts: 0 }])
    await expect(database.sql.value('SELECT count(*) FROM attempt')).resolves.toBe(0)
    await two.store.returnProbe(ROUTE)
    await one.store.takeProbe(ROUTE)
    await expect(one.ledger.openAttempt(task, { countsAttempt: true })).resolves.toMatchObject({ number: 1 })
  })
})
