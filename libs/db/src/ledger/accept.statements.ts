import { TaskError, type AcceptResult, type NewTask } from '#libs/kernel'
import {
  makeBigintArray,
  makeBooleanArray,
  makeByteaArray,
  makeIntegerArray,
  makeTextArray,
  makeTimestampArray,
} from '../connection/binary-array.js'
import type { HotPool, Statement, StatementRunner } from '../connection/hot-pool.js'
import { lockKeys, makeKeyArray, promoteHeads } from './ordering.statements.js'

/**
 * Rows are inserted sorted by id, so that two replicas with the same tasks never wait for each other in a circle. `IN` inside an
 * expression makes a hash table of the fresh ids; a join would compare every row with every other, since the planner expects a few.
 */
const ACCEPT: Statement = {
  name: 'accept',
  text: `
  WITH input AS MATERIALIZED (
    SELECT nextval('task_number') AS id, (now() AT TIME ZONE 'UTC')::date AS accepted_on, t.*
    FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::integer[], $7::bigint[], $8::bytea[], $9::bytea[],
                $10::bytea[], $11::bytea[], $12::text[], $13::text[], $14::timestamptz[], $15::text[], $16::text[], $17::boolean[],
                $18::integer[], $19::integer[])
      AS t(tenant, task_id, type, priority, topic, partition, "offset", record_key, ordering_key, payload, payload_hash, traceparent,
           correlation_id, deadline, provider, model, has_files, estimated_tokens, position)
  ), fresh AS (
    INSERT INTO task_identity (tenant, task_id, id, accepted_on, payload_hash, topic, partition, "offset")
    SELECT tenant, task_id, id, accepted_on, payload_hash, topic, partition, "offset" FROM input
    ON CONFLICT (tenant, task_id) DO NOTHING
    RETURNING id
  ), stored AS (
    INSERT INTO task (accepted_on, id, tenant, task_id, type, priority, topic, partition, "offset", record_key, ordering_key, payload,
                      traceparent, correlation_id, deadline, provider, model, has_files, estimated_tokens)
    SELECT accepted_on, id, tenant, task_id, type, priority, topic, partition, "offset", record_key, ordering_key, payload,
           traceparent, correlation_id, deadline, provider, model, has_files, estimated_tokens
    FROM input WHERE (id IN (SELECT id FROM fresh)) IS TRUE
  ), queued AS (
    INSERT INTO task_queue (id, accepted_on, tenant, type, provider, model, priority, is_head, prepare, ordering_key, ordering_offset,
                            size_bytes, estimated_tokens, deadline)
    SELECT id, accepted_on, tenant, type, provider, model, priority, ordering_key IS NULL, has_files, ordering_key,
           CASE WHEN ordering_key IS NULL THEN NULL ELSE "offset" END, octet_length(payload), estimated_tokens, deadline
    FROM input WHERE (id IN (SELECT id FROM fresh)) IS TRUE
  )
  SELECT position FROM input WHERE (id IN (SELECT id FROM fresh)) IS TRUE`,
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

/**
 * Takes tasks into the ledger. Without ordering keys it is one statement. With them it is a transaction that first locks the keys: the
 * same locks as at finish, so that either this task sees that its key is free, or the finish that frees it sees this task.
 */
export async function acceptTasks(pool: HotPool, tasks: readonly NewTask[]): Promise<AcceptResult[]> {
  const results = Array.from<AcceptResult | undefined>({ length: tasks.length })
  const firsts = positionsOfFirsts(tasks)
  const fresh = await insert(pool, tasks, firsts)
  fresh.forEach((position) => (results[position] = 'accepted'))
  const known = tasks.flatMap((_, position) => (results[position] === undefined ? [position] : []))
  if (known.length > 0) await recognise(pool, tasks, known, results)
  return results as AcceptResult[]
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

async function insert(pool: HotPool, tasks: readonly NewTask[], positions: readonly number[]): Promise<number[]> {
  const keys = makeKeyArray(positions.map((position) => tasks[position]!.orderingKey))
  if (keys === undefined) return insertRows(pool, tasks, positions)
  return pool.transaction(async (transaction) => {
    await lockKeys(transaction, keys)
    const fresh = await insertRows(transaction, tasks, positions)
    await promoteHeads(transaction, keys)
    return fresh
  })
}

async function insertRows(runner: StatementRunner, tasks: readonly NewTask[], positions: readonly number[]): Promise<number[]> {
  const chosen = positions.map((position) => tasks[position]!)
  const rows = await runner.run<{ position: number }>(ACCEPT, [
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
  ])
  return rows.map(({ position }) => position)
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
