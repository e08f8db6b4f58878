import { randomUUID } from 'node:crypto'
import { FIRST_SETTINGS_VERSION, TaskError, type AcceptResult, type ClaimedTask, type ClaimRoom, type NewTask } from '#libs/kernel'
import {
  makeBigintArray,
  makeBooleanArray,
  makeByteaArray,
  makeIntegerArray,
  makeTextArray,
  makeTimestampArray,
  makeUuidArray,
} from '../connection/binary-array.js'
import type { HotPool, Row, Statement, StatementRunner } from '../connection/hot-pool.js'
import { toOwnClock } from '../connection/own-clock.js'
import { makeBooking } from './booking.sql.js'
import { makeLaneArrays } from './lane-arrays.js'
import { lockKeys, makeKeyArray, promoteHeads } from './ordering.statements.js'

/**
 * Rows are inserted sorted by id, so that two replicas with the same tasks never wait for each other in a circle. `IN` inside an
 * expression makes a hash table of the fresh ids; a join would compare every row with every other, since the planner expects a few.
 */
const STORE = `
  input AS MATERIALIZED (
    SELECT nextval('task_number') AS id, (now() AT TIME ZONE 'UTC')::date AS accepted_on, t.*
    FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::integer[], $7::bigint[], $8::bytea[], $9::bytea[],
                $10::bytea[], $11::bytea[], $12::text[], $13::text[], $14::timestamptz[], $15::text[], $16::text[], $17::boolean[],
                $18::integer[], $19::integer[], $20::uuid[])
      AS t(tenant, task_id, type, priority, topic, partition, "offset", record_key, ordering_key, payload, payload_hash, traceparent,
           correlation_id, deadline, provider, model, has_files, estimated_tokens, position, attempt_id)
  ), fresh AS (
    INSERT INTO task_identity (tenant, task_id, id, accepted_on, payload_hash, topic, partition, "offset")
    SELECT tenant, task_id, id, accepted_on, payload_hash, topic, partition, "offset" FROM input
    ON CONFLICT (tenant, task_id) DO NOTHING
    RETURNING id
  ), ${makeBooking(`SELECT 'accepted' AS event, count(*) AS amount FROM fresh`)}, stored AS (
    INSERT INTO task (accepted_on, id, tenant, task_id, type, priority, topic, partition, "offset", record_key, ordering_key, payload,
                      traceparent, correlation_id, deadline, provider, model, has_files, estimated_tokens)
    SELECT accepted_on, id, tenant, task_id, type, priority, topic, partition, "offset", record_key, ordering_key, payload,
           traceparent, correlation_id, deadline, provider, model, has_files, estimated_tokens
    FROM input WHERE (id IN (SELECT id FROM fresh)) IS TRUE
  )`

const ACCEPT: Statement = {
  name: 'accept',
  text: `
  WITH ${STORE}, queued AS (
    INSERT INTO task_queue (id, accepted_on, tenant, type, provider, model, priority, is_head, prepare, ordering_key, ordering_offset,
                            size_bytes, estimated_tokens, deadline)
    SELECT id, accepted_on, tenant, type, provider, model, priority, ordering_key IS NULL, has_files, ordering_key,
           CASE WHEN ordering_key IS NULL THEN NULL ELSE "offset" END, octet_length(payload), estimated_tokens, deadline
    FROM input WHERE (id IN (SELECT id FROM fresh)) IS TRUE
  )
  SELECT position, id, accepted_on, NULL::float8 AS claimed_at FROM input WHERE (id IN (SELECT id FROM fresh)) IS TRUE`,
}

/**
 * The same, and what may run at once is claimed with it under the lease $21, of each lane as many as there is room: neither bound to an order
 * nor with files to be read first, and only while no older task of the lane is due and its route is not closed. A due task that somebody else
 * is just claiming does not wait any more, so those that are locked are passed over. Without the lease nothing is claimed.
 */
const ACCEPT_AND_CLAIM: Statement = {
  name: 'accept-and-claim',
  text: `
  WITH lease AS MATERIALIZED (
    SELECT id FROM worker_lease WHERE id = $21 AND state = 'held' FOR SHARE
  ), lane AS MATERIALIZED (
    SELECT l.* FROM lease CROSS JOIN unnest($22::text[], $23::text[], $24::text[], $25::integer[], $26::boolean[])
      AS l(provider, model, tenant, room, is_probe)
    LEFT JOIN LATERAL (
      SELECT status FROM route_breaker b WHERE b.provider = l.provider AND b.model = l.model LIMIT 1
    ) b ON true
    LEFT JOIN LATERAL (
      SELECT true AS waits FROM generate_series(9, 0, -1) AS p(priority)
      CROSS JOIN LATERAL (
        SELECT q.id FROM task_queue q
        WHERE q.state = 'pending' AND q.is_head AND q.provider = l.provider AND q.model = l.model AND q.tenant = l.tenant
          AND q.priority = p.priority AND q.run_at <= now()
        ORDER BY q.run_at, q.id LIMIT 1 FOR SHARE SKIP LOCKED
      ) d
      LIMIT 1
    ) older ON true
    WHERE coalesce(b.status, 'closed') = 'closed' AND older.waits IS NULL
  ), ${STORE}, chosen AS MATERIALIZED (
    SELECT c.id FROM lane l
    CROSS JOIN LATERAL (
      SELECT i.id FROM input i
      WHERE (i.id IN (SELECT id FROM fresh)) IS TRUE AND i.ordering_key IS NULL AND NOT i.has_files
        AND i.provider = l.provider AND i.model = l.model AND i.tenant = l.tenant
      ORDER BY i.priority DESC, i.id LIMIT l.room
    ) c
  ), queued AS (
    INSERT INTO task_queue (id, accepted_on, tenant, type, provider, model, priority, is_head, prepare, ordering_key, ordering_offset,
                            size_bytes, estimated_tokens, deadline, state, lease_id, claims, sends, attempts)
    SELECT i.id, i.accepted_on, i.tenant, i.type, i.provider, i.model, i.priority, i.ordering_key IS NULL, i.has_files, i.ordering_key,
           CASE WHEN i.ordering_key IS NULL THEN NULL ELSE i."offset" END, octet_length(i.payload), i.estimated_tokens, i.deadline,
           CASE WHEN i.claimed THEN 'running' ELSE 'pending' END, CASE WHEN i.claimed THEN $21 END,
           i.claimed::integer, i.claimed::integer, i.claimed::integer
    FROM (SELECT *, (id IN (SELECT id FROM chosen)) IS TRUE AS claimed FROM input) i WHERE (i.id IN (SELECT id FROM fresh)) IS TRUE
  ), opened AS (
    INSERT INTO attempt (accepted_on, task_number, run, number, id, counted, provider, model, lease_id, reserved_tokens)
    SELECT accepted_on, id, 1, 1, attempt_id, true, provider, model, $21, estimated_tokens FROM input
    WHERE (id IN (SELECT id FROM chosen)) IS TRUE
  )
  SELECT position, id, accepted_on,
         CASE WHEN (id IN (SELECT id FROM chosen)) IS TRUE THEN floor(date_part('epoch', now()) * 1000) END AS claimed_at
  FROM input WHERE (id IN (SELECT id FROM fresh)) IS TRUE`,
}

/** Tells apart what was there before: the same record, a resend, a conflict. A finished resend is put into the outbox again. */
const RECOGNISE: Statement = {
  name: 'accept-recognise',
  text: `
  WITH known AS MATERIALIZED (
    SELECT i.position, k.id, k.accepted_on, k.payload_hash = i.payload_hash AS same_value,
           (k.topic, k.partition, k."offset") = (i.topic, i.partition, i."offset") AS same_record
    FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::integer[], $6::bigint[], $7::integer[])
           AS i(tenant, task_id, payload_hash, topic, partition, "offset", position)
    CROSS JOIN LATERAL (SELECT * FROM task_identity t WHERE t.tenant = i.tenant AND t.task_id = i.task_id LIMIT 1) k
  ), ended AS (
    SELECT DISTINCT ON (k.id) k.id, k.accepted_on, r.run, r.dead_letter_event_id IS NOT NULL AS dead
    FROM known k
    CROSS JOIN LATERAL (
      SELECT run, dead_letter_event_id FROM run_record WHERE accepted_on = k.accepted_on AND task_number = k.id ORDER BY run DESC LIMIT 1
    ) r
    WHERE k.same_value AND NOT k.same_record AND NOT EXISTS (SELECT FROM task_queue q WHERE q.id = k.id)
  ), again AS (
    INSERT INTO outbox (channel, accepted_on, task_number, run) SELECT 'results', accepted_on, id, run FROM ended
  )
  SELECT position, same_value, same_record FROM known`,
}

/** What may be claimed together with being accepted. */
export interface InstantRoom {
  readonly leaseId: number
  readonly room: ClaimRoom
}

export interface Accepted {
  /** In the order of the tasks. */
  readonly results: AcceptResult[]
  readonly claimed: ClaimedTask[]
}

interface StoredRow extends Row {
  position: number
  id: number
  accepted_on: string
  claimed_at: number | null
}

/**
 * Takes tasks into the ledger. Without ordering keys it is one statement. With them it is a transaction that first locks the keys: the
 * same locks as at finish, so that either this task sees that its key is free, or the finish that frees it sees this task.
 */
export async function acceptTasks(pool: HotPool, tasks: readonly NewTask[], room?: InstantRoom): Promise<Accepted> {
  const results = Array.from<AcceptResult | undefined>({ length: tasks.length })
  // One for every task, though only those that are claimed use theirs.
  const attemptIds = room ? tasks.map(() => randomUUID()) : []
  const fresh = await insert(pool, { tasks, positions: positionsOfFirsts(tasks), room, attemptIds })
  fresh.forEach(({ position }) => (results[position] = 'accepted'))
  const known = tasks.flatMap((_, position) => (results[position] === undefined ? [position] : []))
  if (known.length > 0) await recognise(pool, tasks, known, results)
  const claimed = room
    ? fresh.flatMap((row) =>
        makeClaimedTask(row, { task: tasks[row.position]!, attemptId: attemptIds[row.position]!, leaseId: room.leaseId }),
      )
    : []
  return { results: results as AcceptResult[], claimed }
}

/** A task that comes twice in one batch is inserted once; the second is then recognised like any other. */
function positionsOfFirsts(tasks: readonly NewTask[]): number[] {
  const seen = new Map<string, number>()
  tasks.forEach((task, position) => {
    const identity = `${task.tenant}\n${task.taskId}`
    if (!seen.has(identity)) seen.set(identity, position)
  })
  return [...seen].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, position]) => position)
}

interface Batch {
  readonly tasks: readonly NewTask[]
  readonly positions: readonly number[]
  readonly room: InstantRoom | undefined
  readonly attemptIds: readonly string[]
}

async function insert(pool: HotPool, batch: Batch): Promise<StoredRow[]> {
  const keys = makeKeyArray(batch.positions.map((position) => batch.tasks[position]!.orderingKey))
  if (keys === undefined) return insertRows(pool, batch)
  return pool.transaction(async (transaction) => {
    await lockKeys(transaction, keys)
    const fresh = await insertRows(transaction, batch)
    await promoteHeads(transaction, keys)
    return fresh
  })
}

function insertRows(runner: StatementRunner, { tasks, positions, room, attemptIds }: Batch): Promise<StoredRow[]> {
  const chosen = positions.map((position) => tasks[position]!)
  return runner.run<StoredRow>(room ? ACCEPT_AND_CLAIM : ACCEPT, [
    makeTextArray(chosen.map((task) => task.tenant)),
    makeTextArray(chosen.map((task) => task.taskId)),
    makeTextArray(chosen.map((task) => task.type)),
    makeIntegerArray(chosen.map((task) => task.priority)),
    makeTextArray(chosen.map((task) => task.source.topic)),
    makeIntegerArray(chosen.map((task) => task.source.partition)),
    makeBigintArray(chosen.map((task) => task.source.offset)),
    makeByteaArray(chosen.map((task) => task.key)),
    makeByteaArray(chosen.map((task) => task.orderingKey)),
    makeByteaArray(chosen.map((task) => task.payload)),
    makeByteaArray(chosen.map((task) => task.payloadHash)),
    makeTextArray(chosen.map((task) => task.traceparent)),
    makeTextArray(chosen.map((task) => task.correlationId)),
    makeTimestampArray(chosen.map((task) => task.deadlineMs)),
    makeTextArray(chosen.map((task) => task.provider)),
    makeTextArray(chosen.map((task) => task.model)),
    makeBooleanArray(chosen.map((task) => task.hasFiles)),
    makeIntegerArray(chosen.map((task) => task.estimatedTokens)),
    makeIntegerArray(positions),
    makeUuidArray(room ? positions.map((position) => attemptIds[position]!) : []),
    ...(room ? [room.leaseId, ...makeLaneArrays(room.room.lanes)] : []),
  ])
}

/** As a claim of its first run would give it; none where it was only accepted. */
function makeClaimedTask(
  { id, accepted_on: acceptedOn, claimed_at: acceptedAtMs }: StoredRow,
  { task, attemptId, leaseId }: { readonly task: NewTask; readonly attemptId: string; readonly leaseId: number },
): ClaimedTask[] {
  if (acceptedAtMs === null) return []
  const { payload, payloadHash: _, ...fields } = task
  return [
    {
      ...fields,
      id,
      acceptedOn,
      acceptedAtMs,
      waitedMs: 0,
      deadlineMs: toOwnClock(task.deadlineMs, acceptedAtMs),
      payload: payload.toString('utf8'),
      run: 1,
      attempts: 1,
      maybePaid: 0,
      deferralClass: null,
      deferrals: 0,
      crashes: 0,
      settingsVersion: FIRST_SETTINGS_VERSION,
      promptVersion: null,
      leaseId,
      claim: 1,
      freeAttemptUsed: false,
      attempt: { id: attemptId, number: 1 },
      storedAnswer: null,
    },
  ]
}

async function recognise(
  pool: HotPool,
  tasks: readonly NewTask[],
  positions: readonly number[],
  results: (AcceptResult | undefined)[],
): Promise<void> {
  const chosen = positions.map((position) => tasks[position]!)
  const rows = await pool.run<{ position: number; same_value: boolean; same_record: boolean }>(RECOGNISE, [
    makeTextArray(chosen.map((task) => task.tenant)),
    makeTextArray(chosen.map((task) => task.taskId)),
    makeByteaArray(chosen.map((task) => task.payloadHash)),
    makeTextArray(chosen.map((task) => task.source.topic)),
    makeIntegerArray(chosen.map((task) => task.source.partition)),
    makeBigintArray(chosen.map((task) => task.source.offset)),
    makeIntegerArray(positions),
  ])
  // Whoever was in the way of the insert has gone since: retention has taken it. The delivery must be offered again.
  if (rows.length < positions.length) throw TaskError.unavailable('ledger_unavailable', 'a task id was removed while it was looked at')
  for (const row of rows) results[row.position] = !row.same_value ? 'conflict' : row.same_record ? 'duplicate' : 'resend'
}
