import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil, type ServiceRig } from '#tools/rig'

/** How many deliveries and tasks a kill caught, by step. */
export interface CaughtSteps {
  /** S5: attempts whose call was out, or about to go. */
  readonly sending: readonly string[]
  /** S4: claimed, its files being read. */
  readonly preparing: number
  /** S6 to S8: the answer is stored and the task has not ended. */
  readonly answered: number
  /** S8 to S10: ended, perhaps published, not marked. */
  readonly unpublished: number
}

/** What a worker left behind: read when PostgreSQL has ended its last statement, since one that was under way may still be committed. */
export async function readInterruption(rig: Pick<ServiceRig, 'ledger'>): Promise<CaughtSteps> {
  await whenDisconnected(rig)
  const sending = await rig.ledger.rows<{ id: string }>(`SELECT id FROM attempt WHERE state = 'sending'`)
  return { ...(await countSteps(rig)), sending: sending.map(({ id }) => id) }
}

/** Over all workers. */
export async function countSteps({ ledger }: Pick<ServiceRig, 'ledger'>): Promise<Omit<CaughtSteps, 'sending'>> {
  const [counts] = await ledger.rows<Omit<CaughtSteps, 'sending'>>(
    `WITH running AS (SELECT * FROM task_queue WHERE state = 'running')
     SELECT (SELECT count(*) FROM running r WHERE r.prepare) AS preparing,
            (SELECT count(*) FROM running r WHERE EXISTS (
              SELECT FROM answer a WHERE a.accepted_on = r.accepted_on AND a.task_number = r.id AND a.run = r.run)) AS answered,
            (SELECT count(*) FROM outbox) AS unpublished`,
  )
  return counts!
}

/** Resolves when no worker is connected to the database any more. */
export async function whenDisconnected({ ledger }: Pick<ServiceRig, 'ledger'>): Promise<void> {
  const count = () =>
    ledger.value<number>(
      `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ('sluice', 'sluice-listen')`,
    )
  await waitUntil(async () => (await count()) === 0, { what: "PostgreSQL to end the workers' connections" })
}

/** For what PostgreSQL has not yet received of a dead worker: it went through two proxies of this machine. */
const IN_FLIGHT_MS = 200

/**
 * The attempts that one dead worker had open: those of its lease, whoever else is at work, and whether or not its lease has been reaped
 * meanwhile. Read when what it had sent has ended.
 */
export async function readInterruptionOf({ ledger }: Pick<ServiceRig, 'ledger'>, pid: number): Promise<string[]> {
  await delay(IN_FLIGHT_MS)
  const [{ now } = { now: '' }] = await ledger.rows<{ now: string }>(`SELECT now()::text AS now`)
  const open = () =>
    ledger.value<number>(
      `SELECT count(*) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'sluice' AND state <> 'idle' AND xact_start < $1::timestamptz`,
      [now],
    )
  await waitUntil(async () => (await open()) === 0, { what: "PostgreSQL to end the dead worker's statements" })
  const rows = await ledger.rows<{ id: string }>(
    `SELECT a.id FROM attempt a JOIN worker_lease l ON l.id = a.lease_id
     WHERE (a.state = 'sending' OR a.error_code = 'lease_lost') AND split_part(l.worker, ':', 2) = $1::text`,
    [String(pid)],
  )
  return rows.map(({ id }) => id)
}
