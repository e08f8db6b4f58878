import type { HotPool, Statement } from '../connection/hot-pool.js'

const ACQUIRE: Statement = {
  name: 'lease-acquire',
  text: `INSERT INTO worker_lease (worker, expires_at) VALUES ($1, now() + make_interval(secs => $2 / 1000.0)) RETURNING id`,
}

/** Succeeds after its expiry too, as long as nobody has reaped it: expiry alone frees nothing. */
const RENEW: Statement = {
  name: 'lease-renew',
  text: `
  UPDATE worker_lease SET renewed_at = now(), expires_at = now() + make_interval(secs => $2 / 1000.0)
  WHERE id = $1 AND state = 'held' RETURNING id`,
}

const FREE_TASKS = `
  , orphan AS MATERIALIZED (
    SELECT q.id, q.accepted_on, q.run, q.sends FROM task_queue q
    WHERE q.state = 'running' AND q.lease_id = ANY(ARRAY(SELECT id FROM lease)) ORDER BY q.id FOR UPDATE
  ), unanswered AS (
    UPDATE attempt a SET state = 'maybe_paid', ended_at = now(), error_code = 'lease_lost'
    FROM orphan o
    WHERE a.accepted_on = o.accepted_on AND a.task_number = o.id AND a.run = o.run AND a.number = o.sends AND a.state = 'sending'
    RETURNING a.task_number, a.counted
  ), freed AS (
    UPDATE task_queue q SET
      state = 'pending', lease_id = NULL, run_at = now(), reason = 'lease_lost', crashes = q.crashes + $2::integer,
      prepare = q.prepare OR u.task_number IS NOT NULL,
      maybe_paid = q.maybe_paid + (u.task_number IS NOT NULL)::integer,
      attempts = q.attempts - coalesce(u.counted, false)::integer
    FROM orphan o LEFT JOIN unanswered u ON u.task_number = o.id
    WHERE q.id = o.id
    RETURNING q.id, u.task_number IS NOT NULL AS maybe_paid
  )
  SELECT id, maybe_paid FROM freed`

/** Frees what dead replicas held. Calls that they had under way may have been paid for: their tasks are judged before they run again. */
const REAP: Statement = {
  name: 'lease-reap',
  text: `
  WITH lease AS MATERIALIZED (
    UPDATE worker_lease SET state = 'reaped', ended_at = now() WHERE id = ANY(ARRAY(
      SELECT id FROM worker_lease WHERE state = 'held' AND expires_at < now() AND id <> $1 ORDER BY id FOR UPDATE SKIP LOCKED
    ))
    RETURNING id
  )${FREE_TASKS}`,
}

const RELEASE: Statement = {
  name: 'lease-release',
  text: `
  WITH lease AS MATERIALIZED (
    UPDATE worker_lease SET state = 'released', ended_at = now() WHERE id = $1 AND state = 'held' RETURNING id
  )${FREE_TASKS}`,
}

export interface FreedTasks {
  readonly tasks: number
  readonly maybePaid: number
}

export async function acquireLease(pool: HotPool, worker: string, durationMs: number): Promise<number> {
  const rows = await pool.run<{ id: number }>(ACQUIRE, [worker, durationMs])
  return rows[0]!.id
}

/** false: it was reaped. */
export async function renewLease(pool: HotPool, id: number, durationMs: number): Promise<boolean> {
  return (await pool.run(RENEW, [id, durationMs])).length > 0
}

export async function reapLeases(pool: HotPool, ownId: number): Promise<FreedTasks> {
  return countFreed(await pool.run<{ maybe_paid: boolean }>(REAP, [ownId, 1]))
}

/** Gives the lease back; what is still held under it is free at once. */
export async function releaseLease(pool: HotPool, id: number): Promise<FreedTasks> {
  return countFreed(await pool.run<{ maybe_paid: boolean }>(RELEASE, [id, 0]))
}

function countFreed(rows: readonly { maybe_paid: boolean }[]): FreedTasks {
  return { tasks: rows.length, maybePaid: rows.filter((row) => row.maybe_paid).length }
}
