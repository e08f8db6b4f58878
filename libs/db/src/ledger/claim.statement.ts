import type { ClaimedTask, StoredAnswer } from '#libs/kernel'
import type { HotPool, Row, Statement } from '../connection/hot-pool.js'

/**
 * Claims due heads, highest priority first, and opens an attempt for each that is ready for one: neither to be prepared first nor with
 * an answer that an earlier attempt of the run has received. The lease row is share-locked, so that a reaper either sees these tasks or
 * makes this claim find no lease. One index range for each priority keeps deferred tasks of a high priority out of the way.
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
      SELECT q.id, q.accepted_on, q.run, q.sends, q.prepare FROM task_queue q
      WHERE q.state = 'pending' AND q.is_head AND q.priority = p.priority AND q.run_at <= now()
      ORDER BY q.run_at, q.id LIMIT $2 FOR UPDATE SKIP LOCKED
    ) d
    LIMIT $2
  ), stored AS MATERIALIZED (
    SELECT due.id, a.* FROM due
    CROSS JOIN LATERAL (
      SELECT attempt_id, attempt, status, headers, body, duration_ms FROM answer
      WHERE accepted_on = due.accepted_on AND task_number = due.id AND run = due.run ORDER BY received_at LIMIT 1
    ) a
    WHERE due.sends > 0
  ), ready AS MATERIALIZED (
    SELECT id FROM due WHERE NOT prepare AND NOT EXISTS (SELECT FROM stored WHERE stored.id = due.id)
  ), claimed AS (
    UPDATE task_queue q SET
      state = 'running', lease_id = $1, claims = q.claims + 1, reason = NULL,
      sends = q.sends + r.opens, attempts = q.attempts + r.opens
    FROM (SELECT due.id, (ready.id IS NOT NULL)::integer AS opens FROM due LEFT JOIN ready USING (id)) r
    WHERE q.id = r.id AND q.id = ANY(ARRAY(SELECT id FROM due))
    RETURNING q.*, r.opens
  ), opened AS (
    INSERT INTO attempt (accepted_on, task_number, run, number, id, counted, provider, model, lease_id, reserved_tokens)
    SELECT accepted_on, id, run, sends, gen_random_uuid(), true, provider, model, $1, estimated_tokens FROM claimed WHERE opens = 1
    RETURNING task_number, id
  )
  SELECT c.id, c.accepted_on, c.run, c.sends, c.attempts, c.maybe_paid, c.crashes, c.claims, c.settings_version, c.priority, c.type, c.tenant,
         c.provider, c.model, t.task_id, t.topic, t.partition, t."offset"::text AS "offset", t.record_key, c.ordering_key,
         convert_from(t.payload, 'UTF8') AS payload, t.traceparent, t.correlation_id, t.deadline, t.has_files, t.accepted_at,
         o.id AS attempt_id, s.attempt_id AS stored_id, s.attempt AS stored_attempt, s.status, s.headers, s.body, s.duration_ms
  FROM claimed c
  CROSS JOIN LATERAL (SELECT * FROM task WHERE accepted_on = c.accepted_on AND id = c.id LIMIT 1) t
  LEFT JOIN opened o ON o.task_number = c.id
  LEFT JOIN stored s ON s.id = c.id`,
}

interface ClaimRow extends Row {
  id: number
  accepted_on: string
  run: number
  sends: number
  attempts: number
  maybe_paid: number
  crashes: number
  claims: number
  settings_version: number
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
    leaseId,
    claim: row.claims,
    crashes: row.crashes,
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
  }
}
