import { SystemClock, type ClaimedTask, type Lane } from '#libs/kernel'
import { PortPolicies, ResilienceEvents } from '#libs/resilience'
import { onTestFinished } from 'vitest'
import { PostgresAdmissionStore } from '../../../libs/db/src/admission/postgres-admission.store.js'
import { isDatabaseAway } from '../../../libs/db/src/connection/database.error.js'
import { HotPool } from '../../../libs/db/src/connection/hot-pool.js'
import { PostgresWorkerLease } from '../../../libs/db/src/lease/postgres-worker-lease.js'
import { DueTasks } from '../../../libs/db/src/ledger/due-tasks.js'
import { PostgresLedger } from '../../../libs/db/src/ledger/postgres-ledger.js'
import { AbandonedAnswers } from '../../../libs/db/src/spool/abandoned-answers.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeDbSettings, type TestDatabase } from './test-database.js'

/** A replica's side of the ledger and of what replicas share: what DbModule wires. */
export interface TestReplica {
  readonly pool: HotPool
  readonly lease: PostgresWorkerLease
  readonly due: DueTasks
  readonly ledger: PostgresLedger
  readonly store: PostgresAdmissionStore
  /** Ends it in order, giving its lease back. */
  readonly stop: () => Promise<void>
  /** Ends it as SIGKILL would: nothing is given back. */
  readonly die: () => Promise<void>
}

export interface ReplicaOptions {
  readonly leaseMs?: number
  readonly env?: Readonly<Record<string, string>>
  /** With them its pool has the breaker that the service's has. */
  readonly events?: ResilienceEvents
  /** Where the files of dead processes lie that are brought in before a reaping. */
  readonly spoolParent?: string
}

/** A replica that holds a lease. It ends with the test. */
export async function openReplica(
  { url }: Pick<TestDatabase, 'url'>,
  { leaseMs = 10_000, env = {}, events, spoolParent }: ReplicaOptions = {},
): Promise<TestReplica> {
  const settings = makeDbSettings(url, env)
  const policies = new PortPolicies(events ?? new ResilienceEvents(), new SystemClock(), Math.random)
  const breaker = events && policies.makeBreaker({ port: 'postgres', settings: settings.breaker, isAway: isDatabaseAway })
  const pool = new HotPool(settings, breaker)
  const abandoned = new AbandonedAnswers(pool, spoolParent)
  const lease = new PostgresWorkerLease(pool, { worker: 'test', durationMs: leaseMs, beforeReaping: () => abandoned.bringIn() })
  const due = new DueTasks(pool, settings)
  const persistence = policies.makeEndlessPolicy({ port: 'postgres', retry: settings.retry })
  const ledger = new PostgresLedger(pool, lease, due, { ...settings, persistence })
  const bookings = policies.makePolicy({ port: 'postgres', retry: { ...settings.retry, attempts: 20, budgetMs: 5_000 } })
  const store = new PostgresAdmissionStore(pool, lease, due, bookings)
  await lease.start()
  let ended: Promise<void> | undefined
  const end = (giveBack: boolean) => async () => {
    ended ??= (async () => {
      ledger.stop()
      await due.stop()
      await (giveBack ? lease.stop().catch(() => {}) : stopTimers(lease))
      await pool.close()
    })()
    await ended
  }
  onTestFinished(end(true))
  return { pool, lease, due, ledger, store, stop: end(true), die: end(false) }
}

/** A lease that is never renewed again and never given back. */
async function stopTimers(lease: PostgresWorkerLease): Promise<void> {
  const inside = lease as unknown as { timers: NodeJS.Timeout[]; stopped: boolean; busy: ReadonlyMap<string, Promise<void>> }
  inside.stopped = true
  inside.timers.forEach((timer) => clearInterval(timer))
  await Promise.all(inside.busy.values())
}

/** The only task that is due, of the lane that tasks have by default. */
export async function claimOne({ ledger }: Pick<TestReplica, 'ledger'>, lane?: Lane): Promise<ClaimedTask> {
  const tasks = await ledger.claim(makeClaimRoom(10, { ...(lane && { lane }) }))
  if (tasks.length !== 1) throw new Error(`one task should be due, but ${tasks.length} are`)
  return tasks[0]!
}
