import { describe, expect, it, onTestFinished } from 'vitest'
import { TcpProxy } from '#tools/rig'
import { HotPool } from '../../../libs/db/src/connection/hot-pool.js'
import { PostgresIntakeGate, type IntakeCaps } from '../../../libs/db/src/ledger/postgres-intake-gate.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { createLedgerDatabase, makeDbSettings } from './test-database.js'
import { openReplica } from './test-replica.js'

const WIDE: IntakeCaps = { pendingTasks: 1_000, pendingBytes: 1e9, deferredTasks: 1_000, runningTasks: 1_000 }

async function openGate(url: string, caps: Partial<IntakeCaps>): Promise<PostgresIntakeGate> {
  const pool = new HotPool(makeDbSettings(url))
  const gate = new PostgresIntakeGate(pool, { ...WIDE, ...caps })
  onTestFinished(async () => {
    gate.stop()
    await pool.close()
  })
  await gate.start()
  return gate
}

describe(PostgresIntakeGate.name, () => {
  it('is open while nothing has reached its cap', async () => {
    const gate = await openGate((await createLedgerDatabase()).url, {})
    expect(gate.state).toEqual({ open: true })
    expect(gate.lastSample).toMatchObject({ pending: 0, deferred: 0, running: 0 })
  })

  it('knows what a sample has cost PostgreSQL, in milliseconds', async () => {
    const { url } = await createLedgerDatabase()
    const startedMs = performance.now()
    const { lastSample } = await openGate(url, {})
    expect(lastSample!.cost_ms).toBeGreaterThan(0)
    expect(lastSample!.cost_ms).toBeLessThan(performance.now() - startedMs)
  })

  it.each([
    ['pending tasks', { pendingTasks: 2 }],
    ['bytes of pending tasks', { pendingBytes: 50 }],
    ['deferred tasks', { deferredTasks: 1 }],
    ['running tasks', { runningTasks: 1 }],
  ])('closes at the cap of %s and says so', async (what, caps) => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    await Promise.all([1, 2, 3, 4].map(() => ledger.accept(makeNewTask())))
    const [task] = await ledger.claim(makeClaimRoom(1))
    const [other] = await ledger.claim(makeClaimRoom(1))
    await ledger.defer({ task: task!, delayMs: 60_000, reason: 'x', deferralClass: 'internal', countsAttempt: true })
    expect(other).toBeDefined()
    const gate = await openGate(database.url, caps)
    expect(gate.state).toEqual({ open: false, reason: expect.stringContaining(what) })
  })

  it('lets those who wait go on when there is room again', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    await ledger.accept(makeNewTask())
    const gate = await openGate(database.url, { pendingTasks: 1 })
    const waiting = gate.whenOpen(new AbortController().signal)
    await database.sql.rows('DELETE FROM task_queue')
    await waiting
    expect(gate.state).toEqual({ open: true })
  })

  it('stops waiting when it is called off', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    await ledger.accept(makeNewTask())
    const gate = await openGate(database.url, { pendingTasks: 1 })
    const abort = new AbortController()
    const waiting = gate.whenOpen(abort.signal)
    abort.abort(new Error('called off'))
    await expect(waiting).rejects.toThrow('called off')
    await expect(gate.whenOpen(abort.signal)).rejects.toThrow('called off')
  })

  it('closes while PostgreSQL is away, and opens when it is back', async () => {
    const { proxy, url } = await TcpProxy.before((await createLedgerDatabase()).url)
    onTestFinished(() => proxy.close())
    const gate = await openGate(url, {})
    proxy.refuse()
    proxy.cut()
    await expect.poll(() => gate.state.open, { timeout: 5_000 }).toBe(false)
    proxy.accept()
    await gate.whenOpen(AbortSignal.timeout(10_000))
  })
})
