import type { RedriveProgress, RedriveState } from '#libs/kernel'
import type { HotPool, Row, Statement, StatementRunner } from '../connection/hot-pool.js'
import { makeBooking } from '../ledger/booking.sql.js'

/** Whoever starts tasks of a redrive, or stops it, has its row: one after the other. */
const LOCK: Statement = { name: 'redrive-lock', text: `SELECT state FROM redrive WHERE id = $1 FOR UPDATE` }

const NEXT: Statement = {
  name: 'redrive-next',
  text: `SELECT position FROM redrive_item WHERE redrive_id = $1 AND state = 'waiting' ORDER BY position LIMIT $2`,
}

/**
 * Writes the tasks' identities, in the order in which accept does. That locks them, so that of several redrives of a task one after the other
 * looks at it, and retention leaves them alone (retention.ts). One that retention has taken before is stored anew: the task is unfinished
 * again, and its id must be known.
 */
const HOLD_IDENTITIES: Statement = {
  name: 'redrive-hold-identities',
  text: `
  INSERT INTO task_identity AS k (tenant, task_id, id, accepted_on, payload_hash, topic, partition, "offset")
  SELECT DISTINCT ON (t.tenant COLLATE "C", t.task_id COLLATE "C")
         t.tenant, t.task_id, t.id, t.accepted_on, sha256(t.payload), t.topic, t.partition, t."offset"
  FROM task t
  WHERE (t.accepted_on, t.id) IN (SELECT accepted_on, task_number FROM redrive_item WHERE redrive_id = $1 AND position = ANY($2::integer[]))
  ORDER BY t.tenant COLLATE "C", t.task_id COLLATE "C", t.id DESC
  ON CONFLICT (tenant, task_id) DO UPDATE SET id = k.id`,
}

/**
 * One snapshot, taken after the identities were locked: a run that ends is either still in the queue here or has its terminal record. A
 * redriven task of an ordering key runs out of order.
 */
const START: Statement = {
  name: 'redrive-start',
  text: `
  WITH job AS MATERIALIZED (
    SELECT id, call_again, actor, reason, rate_per_second, greatest(now(), next_run_at) AS run_at FROM redrive WHERE id = $1
  ), judged AS MATERIALIZED (
    SELECT i.position, i.run AS failed_run, t.*, last.run AS last_run, last.outcome, last.error_code,
           EXISTS (SELECT FROM task_identity k WHERE k.tenant = t.tenant AND k.task_id = t.task_id AND k.id = t.id) AS owns_id,
           EXISTS (SELECT FROM task_queue q WHERE q.id = t.id) AS unfinished,
           NOT d.call_again
             AND (SELECT true FROM answer a WHERE a.accepted_on = t.accepted_on AND a.task_number = t.id LIMIT 1) IS TRUE AS free
    FROM job d JOIN redrive_item i ON i.redrive_id = d.id AND i.position = ANY($2::integer[]) AND i.state = 'waiting'
    LEFT JOIN task t ON t.accepted_on = i.accepted_on AND t.id = i.task_number
    LEFT JOIN LATERAL (
      SELECT run, outcome, error_code FROM run_record WHERE accepted_on = t.accepted_on AND task_number = t.id ORDER BY run DESC LIMIT 1
    ) last ON true
  ), verdict AS MATERIALIZED (
    SELECT *, CASE
      WHEN id IS NULL OR outcome IS NULL AND NOT unfinished THEN 'gone'
      WHEN NOT owns_id THEN 'id_taken'
      WHEN unfinished THEN 'unfinished'
      WHEN outcome <> 'failed' THEN 'not_failed'
      WHEN last_run <> failed_run THEN 'ran_since'
      WHEN NOT free AND deadline <= now() THEN 'late'
    END AS refusal FROM judged
  ), queued AS (
    INSERT INTO task_queue (id, accepted_on, tenant, type, provider, model, priority, is_head, prepare, run_at, reason, run, size_bytes,
                            estimated_tokens, deadline, answers_from, redrive_id)
    SELECT v.id, v.accepted_on, v.tenant, v.type, v.provider, v.model, v.priority, true, v.has_files,
           d.run_at + make_interval(secs => (row_number() OVER (ORDER BY v.position) - 1) / d.rate_per_second), 'redrive', v.last_run + 1,
           octet_length(v.payload), v.estimated_tokens, v.deadline, CASE WHEN d.call_again THEN v.last_run + 1 ELSE 1 END, d.id
    FROM verdict v CROSS JOIN job d WHERE v.refusal IS NULL
    RETURNING id, run
  ), ${makeBooking(`SELECT 'redriven' AS event, count(*) AS amount FROM queued`)}, advanced AS (
    UPDATE redrive r SET next_run_at = d.run_at + make_interval(secs => (SELECT count(*) FROM queued) / d.rate_per_second)
    FROM job d WHERE r.id = d.id
  ), marked AS (
    UPDATE redrive_item i SET state = CASE WHEN v.refusal IS NULL THEN 'started' ELSE 'refused' END, refusal = v.refusal
    FROM verdict v WHERE i.redrive_id = $1 AND i.position = v.position
  ), audited AS (
    INSERT INTO audit_record (actor, reason, action, target, before, after)
    SELECT d.actor, d.reason, 'task.redrive', jsonb_build_object('tenant', v.tenant, 'task_id', v.task_id, 'id', v.id, 'redrive', d.id),
           jsonb_build_object('run', v.last_run, 'outcome', v.outcome, 'error_code', v.error_code),
           jsonb_build_object('run', v.last_run + 1, 'from_answer', v.free)
    FROM verdict v CROSS JOIN job d WHERE v.refusal IS NULL
  )
  SELECT refusal FROM verdict`,
}

const SETTLE: Statement = {
  name: 'redrive-settle',
  text: `
  UPDATE redrive SET state = CASE WHEN EXISTS (SELECT FROM redrive_item WHERE redrive_id = $1 AND state = 'waiting') THEN state ELSE 'started' END
  WHERE id = $1
  RETURNING state, (SELECT count(*) FROM redrive_item WHERE redrive_id = $1 AND state = 'waiting') AS waiting`,
}

/** null: there is no such redrive. */
export async function lockRedrive(transaction: StatementRunner, id: number): Promise<RedriveState | null> {
  const [row] = await transaction.run<{ state: RedriveState }>(LOCK, [id])
  return row?.state ?? null
}

export function startNextTasks(pool: HotPool, id: number, limit: number): Promise<RedriveProgress | null> {
  return pool.transaction(async (transaction) => {
    const state = await lockRedrive(transaction, id)
    if (state === null) return null
    if (state !== 'starting') return { state, started: 0, refused: 0, waiting: 0 }
    const refusals = await startItems(transaction, id, limit)
    const [settled] = await transaction.run<{ state: RedriveState; waiting: number } & Row>(SETTLE, [id])
    const refused = refusals.filter(({ refusal }) => refusal !== null).length
    return { ...settled!, started: refusals.length - refused, refused }
  })
}

async function startItems(transaction: StatementRunner, id: number, limit: number): Promise<readonly { refusal: string | null }[]> {
  const positions = (await transaction.run<{ position: number }>(NEXT, [id, limit])).map(({ position }) => position)
  if (positions.length === 0) return []
  await transaction.run(HOLD_IDENTITIES, [id, positions])
  return transaction.run<{ refusal: string | null }>(START, [id, positions])
}
