import { describe, expect, it, onTestFinished } from 'vitest'
import { ResilienceEvents } from '#libs/resilience'
import { waitUntil } from '#tools/rig'
import { createIntakeGate } from '../../../libs/db/src/ledger/create-intake-gate.js'
import { recordEvents } from '../../../libs/resilience/src/testing/record-events.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeAnswer } from '../../factories/answer.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeRunEnd } from '../../factories/run-end.factory.js'
import { openProxiedReplica } from './proxied-replica.js'
import { createLedgerDatabase } from './test-database.js'
import { claimOne } from './test-replica.js'

const ENV = { DATABASE_BREAKER_FAILURES: '3', DATABASE_BREAKER_OPEN_MS: '400' }
const CAPS = { pendingTasks: 1_000, pendingBytes: 1e9, deferredTasks: 1_000, runningTasks: 1_000 }
const ONE = { text: 'SELECT 1' }

/** A replica with a breaker, behind a proxy that can take PostgreSQL away. Its breaker is closed. */
async function openGuarded() {
  const database = await createLedgerDatabase()
  const events = new ResilienceEvents()
  const recorded = recordEvents(events)
  const replica = await openProxiedReplica(database, { env: ENV, events })
  const takeAway = async () => {
    replica.proxy.refuse()
    replica.proxy.cut()
    while (recorded.breakerOpened.length === 0) await replica.pool.run(ONE, []).catch(() => {})
  }
  return { database, events, recorded, replica, takeAway }
}

describe('the breaker of PostgreSQL', () => {
  it('refuses claims, accepts and statements at once while it is open, and closes by one probe', async () => {
    const { replica, recorded, takeAway } = await openGuarded()
    await takeAway()
    const startedMs = performance.now()
    const refused = { code: 'ledger_unavailable', retryable: true, retryAfterMs: expect.any(Number) as number }
    await expect(replica.ledger.claim(makeClaimRoom(10))).rejects.toMatchObject(refused)
    await expect(replica.ledger.accept(makeNewTask())).rejects.toMatchObject(refused)
    expect(performance.now() - startedMs).toBeLessThan(200)
    replica.proxy.accept()
    const isThrough = () =>
      replica.pool.run(ONE, []).then(
        () => true,
        () => false,
      )
    await waitUntil(isThrough, { what: 'a statement that goes through' })
    expect(recorded.breakerHalfOpened.length).toBe(recorded.breakerOpened.length)
    expect(recorded.breakerClosed).toMatchObject([{ port: 'postgres' }])
    await replica.ledger.accept(makeNewTask())
    await expect(claimOne(replica)).resolves.toMatchObject({ attempt: { number: 1 } })
  })

  it('makes answers and ends wait, and drops none', async () => {
    const { database, replica, recorded, takeAway } = await openGuarded()
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    await takeAway()
    const stored = replica.ledger.recordAnswer(task, task.attempt!, makeAnswer())
    const finished = replica.ledger.finish(makeRunEnd(task))
    await waitUntil(() => recorded.breakerOpened.length > 2, { what: 'two probes in vain' })
    expect(recorded.gaveUp).toEqual([])
    replica.proxy.accept()
    await stored
    await expect(finished).resolves.toMatchObject({ kind: 'finished' })
    await expect(database.sql.value('SELECT count(*) FROM task_queue')).resolves.toBe(0)
  })

  it('closes intake as it opens, and samples open it again', async () => {
    const { replica, events, takeAway } = await openGuarded()
    const gate = createIntakeGate({ pool: replica.pool, caps: CAPS, events })
    onTestFinished(() => gate.stop())
    await gate.start()
    expect(gate.state).toEqual({ open: true })
    await takeAway()
    expect(gate.state).toMatchObject({ open: false, reason: expect.stringContaining('PostgreSQL') as string })
    replica.proxy.accept()
    await gate.whenOpen(new AbortController().signal)
    expect(gate.state).toEqual({ open: true })
  })

  it('stays closed while PostgreSQL only refuses', async () => {
    const { replica, recorded } = await openGuarded()
    for (let statement = 0; statement < 10; statement++) {
      await expect(replica.pool.run({ text: 'SELECT * FROM missing' }, [])).rejects.toMatchObject({ code: 'ledger_unavailable' })
    }
    expect(recorded.breakerOpened).toEqual([])
  })
})
