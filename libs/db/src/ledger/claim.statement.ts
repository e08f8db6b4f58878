import type { ClaimedTask, DeferralClass, StoredAnswer } from '#libs/kernel'
import type { HotPool, Row, Statement } from '../connection/hot-pool.js'

/**
 * Claims due heads, highest priority first, and opens an attempt for each that is ready for one: neither to be prepared first nor with
 * an answer that an earlier attempt of the run has received. The lease row is share-locked, so that a reaper either sees these tasks or
 * makes this claim find no lease. One index range for each priority keeps deferred tasks of a high priority out of the way.
 *
 * No list of the statement is joined with another one: the planner takes each for one row, and would compare every row with every other.
 * A list of ids becomes an index scan, and `IN` inside an expression a hash table.
 */
export const CLAIM: Statement = {
  name: 'claim',
  text: `
  WITH lease AS MATERIALIZED (
    SELECT id FROM worker_lease WHERE id = $1 AND state = 'held' FOR SHARE
  ), due AS MATERIALIZED (
    SELECT d.* FROM lease
    CROSS JOIN generate_series(9, 0, -1) AS p(priority)
    CROSS JOIN LATERAL (
      SELECT q.id, q.accepted_on, q.run, q.sends FROM task_queue q
      WHERE q.state = 'pending' AND q.is_head AND q.priority = p.priority AND q.run_at <= now()
      ORDER BY q.run_at, q.id LIMIT $2 FOR UPDATE SKIP LOCKED
    ) d
    LIMIT $2
  ), answered AS MATERIALIZED (
    SELECT due.id FROM due
    WHERE due.sends > 0 AND (
      SELECT true FROM answer a WHERE a.accepted_on = due.accepted_on AND a.task_number = due.id AND a.run = due.run LIMIT 1
    )
  ), claimed AS (
    UPDATE task_queue q SET
      state = 'running', lease_id = $1, claims = q.claims + 1, reason = NULL,
      sends = q.sends + CASE WHEN q.prepare OR q.id IN (SELECT id FROM answered) THEN 0 ELSE 1 END,
      attempts = q.attempts + CASE WHEN q.prepare OR q.id IN (SELECT id FROM answered) THEN 0 ELSE 1 END
    WHERE q.id = ANY(ARRAY(SELECT id FROM due))
    RETURNING q.*, q.id IN (SELECT id FROM answered) AS is_answered,
      CASE WHEN q.prepare OR q.id IN (SELECT id FROM answered) THEN NULL ELSE gen_random_uuid() END AS attempt_id
  ), opened AS (
    INSERT INTO attempt (accepted_on, task_number, run, number, id, counted, provider, model, lease_id, reserved_tokens)
    SELECT accepted_on, id, run, sends, attempt_id, true, provider, model, $1, estimated_tokens FROM claimed WHERE attempt_id IS NOT NULL
  )
  SELECT c.id, c.accepted_on, c.run, c.sends, c.attempts, c.maybe_paid, c.crashes, c.claims, c.free_attempt_used, c.settings_version,
         c.prompt_version, c.deferral_class, c.deferrals, c.priority, c.type, c.tenant, c.provider, c.model, t.task_id, t.topic, t.partition, t."offset"::text AS "offset",
         t.record_key, c.ordering_key, convert_from(t.payload, 'UTF8') AS payload, t.traceparent, t.correlation_id, t.has_files,
         floor(date_part('epoch', t.deadline) * 1000) AS deadline, floor(date_part('epoch', t.accepted_at) * 1000) AS accepted_at,
         c.attempt_id, s.attempt_id AS stored_id, s.attempt AS stored_attempt, s.status, s.headers, s.body, s.duration_ms,
         s.prompt_version AS stored_prompt_version
  FROM claimed c
  CROSS JOIN LATERAL (SELECT * FROM task WHERE accepted_on = c.accepted_on AND id = c.id LIMIT 1) t
  LEFT JOIN LATERAL (
    SELECT attempt_id, attempt, status, headers, body, duration_ms, prompt_version FROM answer
    WHERE c.is_answered AND accepted_on = c.accepted_on AND task_number = c.id AND run = c.run ORDER BY received_at LIMIT 1
  ) s ON true
  ORDER BY c.priority DESC, c.run_at, c.id`,
}

interface ClaimRow extends Row {
  id: number
  accepted_on: string
  run: number
  sends: number
  attempts: number
  maybe_paid: number
  crashes: number
  free_attempt_used: boolean
  claims: number
  settings_version: number
  prompt_version: string | null
  deferral_class: DeferralClass | null
  deferrals: number
  priority: number
  type: string
  tenant: string
  provider: string
  model: string
  task_id: string
  topic: string
  partition: number
  offset: string
  record_key: Buffer | null
  ordering_key: Buffer | null
  payload: string
  traceparent: string | null
  correlation_id: string | null
  deadline: number | null
  has_files: boolean
  accepted_at: number
  attempt_id: string | null
  stored_id: string | null
  stored_attempt: number
  status: number
  headers: Record<string, string>
  body: Buffer
  duration_ms: number
  stored_prompt_version: string | null
}

export async function claimTasks(pool: HotPool, leaseId: number, limit: number): Promise<ClaimedTask[]> {
  const rows = await pool.run<ClaimRow>(CLAIM, [leaseId, limit])
  return rows.map((row) => makeClaimedTask(row, leaseId))
}

function makeClaimedTask(row: ClaimRow, leaseId: number): ClaimedTask {
  return {
    id: row.id,
    acceptedOn: row.accepted_on,
    acceptedAtMs: row.accepted_at,
    tenant: row.tenant,
    taskId: row.task_id,
    type: row.type,
    priority: row.priority,
    source: { topic: row.topic, partition: row.partition, offset: BigInt(row.offset) },
    key: row.record_key,
    orderingKey: row.ordering_key,
    run: row.run,
    attempts: row.attempts,
    maybePaid: row.maybe_paid,
    payload: row.payload,
    traceparent: row.traceparent,
    correlationId: row.correlation_id,
    deadlineMs: row.deadline,
    provider: row.provider,
    model: row.model,
    hasFiles: row.has_files,
    settingsVersion: row.settings_version,
    promptVersion: row.prompt_version,
    leaseId,
    claim: row.claims,
    deferralClass: row.deferral_class,
    deferrals: row.deferrals,
    crashes: row.crashes,
    freeAttemptUsed: row.free_attempt_used,
    attempt: row.attempt_id === null ? null : { id: row.attempt_id, number: row.sends },
    storedAnswer: row.stored_id === null ? null : makeStoredAnswer(row, row.stored_id),
  }
}

function makeStoredAnswer(row: ClaimRow, attemptId: string): StoredAnswer {
  return {
    attemptId,
    attemptNumber: row.stored_attempt,
    status: row.status,
    headers: row.headers,
    body: row.body,
    durationMs: row.duration_ms,
    ...(row.stored_prompt_version !== null && { promptVersion: row.stored_prompt_version }),
  }
}
