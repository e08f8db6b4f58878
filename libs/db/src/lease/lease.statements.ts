import { makeBigintArray } from '../connection/binary-array.js'
import type { HotPool, Row, Statement } from '../connection/hot-pool.js'
import type { WatchedLease } from './lease.watch.js'
import { PARKED_UNTIL } from './suspect.statements.js'

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

const LIST_OTHERS: Statement = {
  name: 'lease-list-others',
  text: `
  SELECT id, renewed_at::text AS renewed_at, (extract(epoch FROM expires_at - renewed_at) * 1000)::float8 AS duration_ms
  FROM worker_lease WHERE state = 'held' AND id <> $1`,
}

/** Ends leases of dead workers. One that is locked by a claim, or by another reaper, is left for the next time. */
const END_EXPIRED: Statement = {
  name: 'lease-end-expired',
  text: `
  UPDATE worker_lease SET state = 'reaped', ended_at = now() WHERE id = ANY(ARRAY(
    SELECT id FROM worker_lease WHERE id = ANY($1::bigint[]) AND state = 'held' AND expires_at < now() ORDER BY id FOR UPDATE SKIP LOCKED
  )) RETURNING id`,
}

/** Streams of ended leases count for nobody already; here their rows go. */
const FORGET_GRANTS: Statement = {
  name: 'lease-forget-grants',
  text: `DELETE FROM stream_grant g WHERE NOT EXISTS (SELECT FROM worker_lease l WHERE l.id = g.lease_id AND l.state = 'held')`,
}

const END_OWN: Statement = {
  name: 'lease-end-own',
  text: `UPDATE worker_lease SET state = 'released', ended_at = now() WHERE id = $1 AND state = 'held'`,
}

/**
 * Frees what is still held under ended leases. It runs after the leases have been locked and ended, in a statement of its own: only then does
 * its snapshot show every claim that was committed under them, and no further one can be. Calls that were under way may have been paid
 * for: their tasks are judged before they run again. Rows that are locked (a transition of the dead worker that PostgreSQL has not ended
 * yet) are left for the next time.
 *
 * A death blames nobody by itself, since the worker held many tasks: it makes suspects of them (suspect.statements.ts), and counts only
 * against the single suspect among them, if there was one.
 */
const FREE_TASKS: Statement = {
  name: 'lease-free-tasks',
  text: `
  WITH orphan AS MATERIALIZED (
    SELECT q.id, q.accepted_on, q.run, q.sends, q.lease_id FROM task_queue q
    WHERE q.state = 'running' AND q.lease_id = ANY(ARRAY(
      SELECT DISTINCT lease_id FROM task_queue r WHERE r.state = 'running'
        AND NOT EXISTS (SELECT FROM worker_lease l WHERE l.id = r.lease_id AND l.state = 'held')
    ))
    ORDER BY q.id FOR UPDATE SKIP LOCKED
  ), lone AS MATERIALIZED (
    SELECT lease_id FROM task_queue
    WHERE state = 'running' AND suspect_since IS NOT NULL AND lease_id = ANY(ARRAY(SELECT lease_id FROM orphan))
    GROUP BY lease_id HAVING count(*) = 1
  ), unanswered AS (
    UPDATE attempt a SET state = 'maybe_paid', ended_at = now(), error_code = 'lease_lost', booked_tokens = a.reserved_tokens
    FROM orphan o
    WHERE a.accepted_on = o.accepted_on AND a.task_number = o.id AND a.run = o.run AND a.number = o.sends AND a.state = 'sending'
    RETURNING a.task_number, a.counted
  ), freed AS (
    UPDATE task_queue q SET
      state = 'pending', lease_id = NULL, reason = 'lease_lost',
      crashes = q.crashes + CASE WHEN q.suspect_since IS NOT NULL AND o.lease_id IN (SELECT lease_id FROM lone) THEN $1::integer ELSE 0 END,
      deaths = q.deaths + $1::integer,
      suspect_since = CASE WHEN q.deaths + $1::integer > 0 THEN now() END,
      run_at = CASE
        WHEN q.deaths + $1::integer > 1 OR q.deaths + $1::integer = 1 AND (u.task_number IS NOT NULL OR q.maybe_paid > 0 OR q.crashes > 0)
        THEN ${PARKED_UNTIL} ELSE now() END,
      prepare = q.prepare OR u.task_number IS NOT NULL,
      maybe_paid = q.maybe_paid + (u.task_number IS NOT NULL)::integer,
      attempts = q.attempts - coalesce(u.counted, false)::integer
    FROM orphan o LEFT JOIN unanswered u ON u.task_number = o.id
    WHERE q.id = o.id
    RETURNING q.id, u.task_number IS NOT NULL AS maybe_paid
  )
  SELECT id, maybe_paid FROM freed`,
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

/** Those that are held, but for this one. */
export async function listOtherLeases(pool: HotPool, ownId: number): Promise<WatchedLease[]> {
  const rows = await pool.run<{ id: number; renewed_at: string; duration_ms: number }>(LIST_OTHERS, [ownId])
  return rows.map(({ id, renewed_at: renewedAt, duration_ms: durationMs }) => ({ id, renewedAt, durationMs }))
}

/** Ends those of these leases that have expired, and makes suspects of the tasks that dead workers held. */
export async function reapLeases(pool: HotPool, silentIds: readonly number[]): Promise<FreedTasks> {
  return pool.transaction(async (transaction) => {
    const ended = silentIds.length > 0 ? await transaction.run(END_EXPIRED, [makeBigintArray(silentIds)]) : []
    if (ended.length > 0) await transaction.run(FORGET_GRANTS, [])
    return countFreed(await transaction.run<FreedRow>(FREE_TASKS, [1]))
  })
}

/** Gives the lease back; what is still held under it is free at once. */
export async function releaseLease(pool: HotPool, id: number): Promise<FreedTasks> {
  return pool.transaction(async (transaction) => {
    await transaction.run(END_OWN, [id])
    await transaction.run(FORGET_GRANTS, [])
    return countFreed(await transaction.run<FreedRow>(FREE_TASKS, [0]))
  })
}

interface FreedRow extends Row {
  maybe_paid: boolean
}

function countFreed(rows: readonly FreedRow[]): FreedTasks {
  return { tasks: rows.length, maybePaid: rows.filter((row) => row.maybe_paid).length }
}
