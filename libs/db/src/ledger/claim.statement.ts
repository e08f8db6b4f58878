import type { ClaimedTask, ClaimRoom, DeferralClass, LaneRoom, Metering, StoredAnswer } from '#libs/kernel'
import { lockMeters, writeMeters } from '../admission/meter.statements.js'
import { makeBigintArray, makeFloatArray, makeIntegerArray } from '../connection/binary-array.js'
import type { HotPool, Row, Statement } from '../connection/hot-pool.js'
import { toOwnClock } from '../connection/own-clock.js'
import { makeLaneArrays } from './lane-arrays.js'
import { makeHasAnswer } from './stored-answer.sql.js'

/** The lanes $2 to $6 that may be called for: nothing on a route whose breaker has opened since this replica last looked, but for the holder of its probe. */
const LANES = `
  lease AS MATERIALIZED (
    SELECT id FROM worker_lease WHERE id = $1 AND state = 'held' FOR SHARE
  ), lane AS MATERIALIZED (
    SELECT l.* FROM lease CROSS JOIN unnest($2::text[], $3::text[], $4::text[], $5::integer[], $6::boolean[])
      WITH ORDINALITY AS l(provider, model, tenant, room, is_probe, position)
    LEFT JOIN LATERAL (
      SELECT status, probe_lease_id FROM route_breaker b WHERE b.provider = l.provider AND b.model = l.model LIMIT 1
    ) b ON true
    WHERE coalesce(b.status, 'closed') = 'closed' OR l.is_probe AND b.status = 'half_open' AND b.probe_lease_id = $1
  )`

/** The priorities of the lane `l`, the highest first. */
const HIGHEST_FIRST = 'generate_series(9, 0, -1)'

/** The same, but that first whose oldest task has been due the longest. */
const OLDEST_FIRST = `(
        SELECT s.priority FROM generate_series(9, 0, -1) AS s(priority)
        CROSS JOIN LATERAL (
          SELECT q.run_at, q.id FROM task_queue q
          WHERE q.state = 'pending' AND q.is_head AND q.provider = l.provider AND q.model = l.model AND q.tenant = l.tenant
            AND q.priority = s.priority AND q.run_at <= now()
          ORDER BY q.run_at, q.id LIMIT 1
        ) o
        ORDER BY o.run_at, o.id
      )`

/** One index range for each priority keeps deferred tasks of a high priority out of the way. */
const makeDue = (priorities: string) => `
  due AS MATERIALIZED (
    SELECT d.*, l.position FROM lane l
    CROSS JOIN LATERAL (
      SELECT t.* FROM ${priorities} AS p(priority)
      CROSS JOIN LATERAL (
        SELECT q.id, q.accepted_on, q.run, q.sends, q.answers_from, q.prepare, q.estimated_tokens FROM task_queue q
        WHERE q.state = 'pending' AND q.is_head AND q.provider = l.provider AND q.model = l.model AND q.tenant = l.tenant
          AND q.priority = p.priority AND q.run_at <= now()
        ORDER BY q.run_at, q.id LIMIT l.room FOR UPDATE SKIP LOCKED
      ) t
      LIMIT l.room
    ) d
  )`

/** Those that need no call. */
const ANSWERED = `
  answered AS MATERIALIZED (
    SELECT due.id FROM due WHERE ${makeHasAnswer('due')}
  )`

/** What is claimed without an attempt. */
const IS_UNREADY = 'q.prepare OR q.id = ANY(ARRAY(SELECT id FROM answered))'

/** Claims what is `due`, and opens an attempt for each that is ready for one. `reserved` are the attempt's columns of what it may use. */
const makeTake = (reserved: { readonly columns: string; readonly values: string }, isUnready = IS_UNREADY) => `
  claimed AS (
    UPDATE task_queue q SET
      state = 'running', lease_id = $1, claims = q.claims + 1, reason = NULL,
      sends = q.sends + CASE WHEN ${isUnready} THEN 0 ELSE 1 END,
      attempts = q.attempts + CASE WHEN ${isUnready} THEN 0 ELSE 1 END
    WHERE q.id = ANY(ARRAY(SELECT id FROM due))
    RETURNING q.*, q.id = ANY(ARRAY(SELECT id FROM answered)) AS is_answered,
      CASE WHEN ${isUnready} THEN NULL ELSE gen_random_uuid() END AS attempt_id
  ), opened AS (
    INSERT INTO attempt (accepted_on, task_number, run, number, id, counted, provider, model, lease_id, ${reserved.columns})
    SELECT accepted_on, id, run, sends, attempt_id, true, provider, model, $1, ${reserved.values} FROM claimed WHERE attempt_id IS NOT NULL
  )
  SELECT c.id, c.accepted_on, c.run, c.sends, c.attempts, c.maybe_paid, c.crashes, c.claims, c.free_attempt_used, c.settings_version,
         c.prompt_version, c.deferral_class, c.deferrals, c.priority, c.estimated_tokens, c.type, c.tenant, c.provider, c.model, t.task_id, t.topic, t.partition, t."offset"::text AS "offset",
         t.record_key, c.ordering_key, convert_from(t.payload, 'UTF8') AS payload, t.traceparent, t.correlation_id, t.has_files,
         floor(date_part('epoch', t.deadline) * 1000) AS deadline, floor(date_part('epoch', t.accepted_at) * 1000) AS accepted_at,
         floor(date_part('epoch', now()) * 1000) AS claimed_at, floor(date_part('epoch', c.run_at) * 1000) AS due_at,
         c.attempt_id, s.attempt_id AS stored_id, s.attempt AS stored_attempt, s.status, s.headers, s.body, s.duration_ms,
         s.prompt_version AS stored_prompt_version
  FROM claimed c
  CROSS JOIN LATERAL (SELECT * FROM task WHERE accepted_on = c.accepted_on AND id = c.id LIMIT 1) t
  LEFT JOIN LATERAL (
    SELECT attempt_id, attempt, status, headers, body, duration_ms, prompt_version FROM answer
    WHERE c.is_answered AND accepted_on = c.accepted_on AND task_number = c.id AND run >= c.answers_from
    ORDER BY run DESC, received_at LIMIT 1
  ) s ON true
  ORDER BY c.priority DESC, c.run_at, c.id`

/**
 * Claims due heads of these lanes, in each the highest priority or the oldest task first, and opens an attempt for each that is ready for one: neither to be
 * prepared first nor with an answer that has been received already. The lease row is share-locked, so that a reaper either
 * sees these tasks or makes this claim find no lease.
 *
 * No list of the statement is joined with another one: the planner takes each for one row, and would compare every row with every other.
 * A list of ids becomes an index scan. What is looked up in an expression is an array: of `IN (SELECT ...)` the planner makes a hash table, as large as it
 * takes the list for, which is a share of the whole queue: with a million tasks due, those tables were most of a claim's time.
 */
const makeClaim = (priorities: string) =>
  `WITH ${LANES}, ${makeDue(priorities)}, ${ANSWERED}, ${makeTake({ columns: 'reserved_tokens', values: 'estimated_tokens' })}`

export const CLAIM: Statement = { name: 'claim', text: makeClaim(HIGHEST_FIRST) }
export const CLAIM_OLDEST: Statement = { name: 'claim-oldest', text: makeClaim(OLDEST_FIRST) }

/** Locks what the same claim would take, in the order in which it is due. */
const makeFind = (priorities: string) => `
  WITH ${LANES}, ${makeDue(priorities)}, ${ANSWERED}
  SELECT due.id, (due.position - 1)::integer AS lane, due.estimated_tokens,
         NOT due.prepare AND (due.id = ANY(ARRAY(SELECT id FROM answered))) IS NOT TRUE AS needs_call
  FROM due`

const FIND: Statement = { name: 'claim-find', text: makeFind(HIGHEST_FIRST) }
const FIND_OLDEST: Statement = { name: 'claim-find-oldest', text: makeFind(OLDEST_FIRST) }

/** Claims tasks that are locked already, each with what its meters have given it; without an attempt where they have given nothing. */
const TAKE: Statement = {
  name: 'claim-take',
  text: `
  WITH input AS MATERIALIZED (
    SELECT * FROM unnest($2::bigint[], $3::integer[], $4::integer[], $5::float8[]) AS i(id, tokens, max_tokens, money)
  ), due AS MATERIALIZED (
    SELECT q.id, q.accepted_on, q.run, q.sends, q.answers_from FROM task_queue q WHERE q.id = ANY($2::bigint[])
  ), ${ANSWERED}, ${makeTake(
    {
      columns: 'reserved_tokens, reserved_max_tokens, reserved_money, metered_on',
      values: `(SELECT i.tokens FROM input i WHERE i.id = claimed.id), (SELECT i.max_tokens FROM input i WHERE i.id = claimed.id),
      (SELECT i.money FROM input i WHERE i.id = claimed.id), (now() AT TIME ZONE 'UTC')::date`,
    },
    `${IS_UNREADY} OR q.id IN (SELECT id FROM input WHERE tokens IS NULL)`,
  )}`,
}

/** So many due tasks of a lane are looked at for one that fits into the rest of a day's budget. */
const LOOK_FURTHER = 50

/**
 * Claims heads whose deadline has passed a moment ago (clocks differ), whether or not they may be called for, without an attempt. Behind the
 * head of its key a task keeps its place: the results of a key come in order.
 */
const CLAIM_LATE: Statement = {
  name: 'claim-late',
  text: `
  WITH lease AS MATERIALIZED (
    SELECT id FROM worker_lease WHERE id = $1 AND state = 'held' FOR SHARE
  ), due AS MATERIALIZED (
    SELECT d.* FROM lease CROSS JOIN LATERAL (
      SELECT q.id, q.accepted_on, q.run, q.sends, q.answers_from FROM task_queue q
      WHERE q.state = 'pending' AND q.is_head AND q.deadline < now() - interval '1 second'
      ORDER BY q.deadline LIMIT $2 FOR UPDATE SKIP LOCKED
    ) d
  ), ${ANSWERED}, ${makeTake({ columns: 'reserved_tokens', values: 'estimated_tokens' }, 'true')}`,
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
  estimated_tokens: number
  accepted_at: number
  claimed_at: number
  due_at: number
  attempt_id: string | null
  stored_id: string | null
  stored_attempt: number
  status: number
  headers: Record<string, string>
  body: Buffer
  duration_ms: number
  stored_prompt_version: string | null
}

interface FoundRow extends Row {
  id: number
  lane: number
  estimated_tokens: number
  needs_call: boolean
}

export async function claimTasks(
  pool: HotPool,
  leaseId: number,
  { lanes, metering, oldestFirst = false }: ClaimRoom,
): Promise<ClaimedTask[]> {
  if (metering) return claimMetered(pool, leaseId, { lanes, metering, oldestFirst })
  const rows = await pool.run<ClaimRow>(oldestFirst ? CLAIM_OLDEST : CLAIM, [leaseId, ...makeLaneArrays(lanes)])
  return rows.map((row) => makeClaimedTask(row, leaseId))
}

export async function claimLateTasks(pool: HotPool, leaseId: number, limit: number): Promise<ClaimedTask[]> {
  const rows = await pool.run<ClaimRow>(CLAIM_LATE, [leaseId, limit])
  return rows.map((row) => makeClaimedTask(row, leaseId))
}

/** Meters first, then tasks: the same order for everybody, so that nobody waits for another in a circle. */
function claimMetered(
  pool: HotPool,
  leaseId: number,
  { lanes, metering, oldestFirst }: Pick<ClaimRoom, 'lanes'> & { readonly metering: Metering; readonly oldestFirst: boolean },
): Promise<ClaimedTask[]> {
  return pool.transaction(async (transaction) => {
    const levels = await lockMeters(transaction, metering.meters)
    const ask = async (asked: readonly LaneRoom[]) => {
      const found = await transaction.run<FoundRow>(oldestFirst ? FIND_OLDEST : FIND, [leaseId, ...makeLaneArrays(asked)])
      const candidates = found.map((row) => ({
        id: row.id,
        lane: lanes[row.lane]!,
        room: lanes[row.lane]!.tasks,
        estimatedTokens: row.estimated_tokens,
        needsCall: row.needs_call,
      }))
      return metering.admit(levels, candidates)
    }
    const first = await ask(lanes)
    const further = lanes.map((lane) => (metering.mayLookFurther(lane) ? { ...lane, tasks: Math.max(lane.tasks, LOOK_FURTHER) } : lane))
    const { admitted, changes } = lanes.some((lane) => metering.mayLookFurther(lane)) ? await ask(further) : first
    if (admitted.length === 0) return []
    await writeMeters(transaction, changes)
    const rows = await transaction.run<ClaimRow>(TAKE, [
      leaseId,
      makeBigintArray(admitted.map(({ id }) => id)),
      makeIntegerArray(admitted.map(({ reservation }) => reservation?.tokens ?? null)),
      makeIntegerArray(admitted.map(({ reservation }) => reservation?.maxTokens ?? null)),
      makeFloatArray(admitted.map(({ reservation }) => reservation?.money ?? null)),
    ])
    return rows.map((row) => makeClaimedTask(row, leaseId))
  })
}

function makeClaimedTask(row: ClaimRow, leaseId: number): ClaimedTask {
  return {
    id: row.id,
    acceptedOn: row.accepted_on,
    acceptedAtMs: row.accepted_at,
    waitedMs: Math.max(0, row.claimed_at - row.due_at),
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
    deadlineMs: toOwnClock(row.deadline, row.claimed_at),
    provider: row.provider,
    model: row.model,
    hasFiles: row.has_files,
    estimatedTokens: row.estimated_tokens,
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
