import type { FinishResult, OutboxMessage, RunEnd } from '#libs/kernel'
import {
  makeBigintArray,
  makeBooleanArray,
  makeByteaArray,
  makeIntegerArray,
  makeTextArray,
  makeUuidArray,
} from '../connection/binary-array.js'
import type { HotPool, Row, Statement, StatementRunner } from '../connection/hot-pool.js'
import { makeStorableCount, makeStorableText } from '../connection/storable.js'
import { makeBooking } from './booking.sql.js'
import { endAttempts } from './attempt.statements.js'
import { advanceSequences, lockKeys, makeKeyArray, promoteHeads } from './ordering.statements.js'

/**
 * The terminal row and the outbox rows in one fenced statement: what is not ours any more is left alone. `IN` inside an expression makes
 * a hash table; a join of two lists, which the planner takes for a handful of rows, would compare every row with every other.
 */
const FINISH: Statement = {
  name: 'finish',
  text: `
  WITH done AS (
    DELETE FROM task_queue WHERE id = ANY($2::bigint[]) AND state = 'running' AND lease_id = $3
      AND ((id, claims) IN (SELECT * FROM unnest($2::bigint[], $23::integer[]))) IS TRUE
    RETURNING id
  ), input AS MATERIALIZED (
    SELECT i.*
    FROM unnest($2::bigint[], $4::integer[], $5::text[], $6::integer[], $7::text[], $8::text[], $9::text[], $10::boolean[], $11::integer[],
                $12::integer[], $13::integer[], $14::text[], $15::text[], $16::text[], $17::text[], $18::bigint[], $19::uuid[],
                $20::bytea[], $21::uuid[], $22::bytea[], $24::integer[])
      AS i(id, run, outcome, attempts, error_code, error_message, error_fingerprint, error_retryable, prompt_tokens, completion_tokens,
           precached_tokens, model, finish_reason, output_ref, prompt_version, key_sequence, result_event_id, result_event,
           dead_letter_event_id, dead_letter_event, settings_version)
    WHERE (i.id IN (SELECT id FROM done)) IS TRUE
  ), ${makeBooking('SELECT outcome AS event, count(*) AS amount FROM input GROUP BY outcome')}, recorded AS (
    INSERT INTO run_record (accepted_on, task_number, run, outcome, attempts, lease_id, error_code, error_message, error_fingerprint,
      error_retryable, prompt_tokens, completion_tokens, precached_tokens, model, finish_reason, output_ref, settings_version,
      prompt_version, key_sequence, result_event_id, result_event, dead_letter_event_id, dead_letter_event)
    SELECT $1::date, id, run, outcome, attempts, $3, error_code, error_message, error_fingerprint, error_retryable, prompt_tokens,
      completion_tokens, precached_tokens, model, finish_reason, output_ref::jsonb, settings_version, prompt_version, key_sequence,
      result_event_id, result_event, dead_letter_event_id, dead_letter_event
    FROM input
  )
  INSERT INTO outbox (channel, accepted_on, task_number, run)
  SELECT 'results', $1::date, id, run FROM input
  UNION ALL
  SELECT 'dead_letters', $1::date, id, run FROM input WHERE dead_letter_event_id IS NOT NULL
  RETURNING id, channel, task_number`,
}

/** Which of these tasks are still ours. */
const OURS: Statement = {
  name: 'finish-ours',
  text: `
  SELECT id FROM task_queue WHERE id = ANY($1::bigint[]) AND state = 'running' AND lease_id = $2
    AND ((id, claims) IN (SELECT * FROM unnest($1::bigint[], $3::integer[]))) IS TRUE
  FOR UPDATE`,
}

/** What is already written down of these runs by our own lease. */
const ENDED_BEFORE: Statement = {
  name: 'finish-before',
  text: `
  SELECT i.position, r.key_sequence, r.result_event FROM unnest($2::bigint[], $3::integer[], $4::integer[]) AS i(id, run, position)
  JOIN run_record r ON r.accepted_on = $1::date AND r.task_number = i.id AND r.run = i.run AND r.lease_id = $5`,
}

/** A run's end with the bytes that go out. */
interface PreparedEnd {
  readonly end: RunEnd
  readonly keySequence: number | undefined
  readonly event: Buffer
}

/**
 * Ends runs of tasks that were accepted on one day and are held under one lease. Runs without an ordering key and without an attempt to
 * end take one statement; the others a transaction, since the number of a result inside its key is part of its bytes.
 */
export async function finishRuns(pool: HotPool, ends: readonly RunEnd[]): Promise<FinishResult[]> {
  const simple = ends.filter((end) => end.task.orderingKey === null && !end.attemptEnd)
  const others = ends.filter((end) => end.task.orderingKey !== null || end.attemptEnd)
  const results = new Map<RunEnd, FinishResult>()
  // One after the other: the caller's group is one unit, and a failure of either must not leave the other running unseen.
  if (simple.length > 0)
    await insertEnds(
      pool,
      simple.map((end) => prepare(end)),
      results,
    )
  if (others.length > 0) await finishInTransaction(pool, others, results)
  const missing = ends.filter((end) => !results.has(end))
  if (missing.length > 0) (await findEndedBefore(pool, missing)).forEach((end) => results.set(end, { kind: 'finished', outbox: [] }))
  return ends.map((end) => results.get(end) ?? { kind: 'fenced' })
}

/**
 * Those that an earlier try of the same ends has written down, when only PostgreSQL's answer was lost: their bytes are the same. Their
 * messages are left to the sweeper.
 */
async function findEndedBefore(pool: HotPool, ends: readonly RunEnd[]): Promise<RunEnd[]> {
  const { acceptedOn, leaseId } = ends[0]!.task
  const rows = await pool.run<{ position: number; key_sequence: number | null; result_event: Buffer }>(ENDED_BEFORE, [
    acceptedOn,
    makeBigintArray(ends.map(({ task }) => task.id)),
    makeIntegerArray(ends.map(({ task }) => task.run)),
    makeIntegerArray(ends.map((_, position) => position)),
    leaseId,
  ])
  return rows.flatMap((row) => {
    const end = ends[row.position]!
    return end.makeResultEvent(row.key_sequence ?? undefined).equals(row.result_event) ? [end] : []
  })
}

async function finishInTransaction(pool: HotPool, ends: readonly RunEnd[], results: Map<RunEnd, FinishResult>): Promise<void> {
  const { acceptedOn, leaseId } = ends[0]!.task
  const keys = makeKeyArray(ends.map(({ task }) => task.orderingKey))
  const inner = new Map<RunEnd, FinishResult>()
  await pool.transaction(async (transaction) => {
    inner.clear()
    if (keys) await lockKeys(transaction, keys)
    const held = await transaction.run<{ id: number }>(OURS, [
      makeBigintArray(ends.map(({ task }) => task.id)),
      leaseId,
      makeIntegerArray(ends.map(({ task }) => task.claim)),
    ])
    const ids = new Set(held.map(({ id }) => id))
    const ours = ends.filter(({ task }) => ids.has(task.id))
    const ourKeys = makeKeyArray(ours.map(({ task }) => task.orderingKey))
    const sequences = ourKeys ? await advanceSequences(transaction, ourKeys) : new Map<string, number>()
    await endAttempts(
      transaction,
      acceptedOn,
      ends.flatMap(({ task, attemptEnd }) => (attemptEnd ? [{ task, end: attemptEnd }] : [])),
    )
    if (ours.length > 0) {
      await insertEnds(
        transaction,
        ours.map((end) => prepare(end, end.task.orderingKey ? sequences.get(end.task.orderingKey.toString('hex')) : undefined)),
        inner,
      )
    }
    if (ourKeys) await promoteHeads(transaction, ourKeys)
  })
  inner.forEach((result, end) => results.set(end, result))
}

function prepare(end: RunEnd, keySequence?: number): PreparedEnd {
  return { end, keySequence, event: end.makeResultEvent(keySequence) }
}

interface OutboxRow extends Row {
  id: number
  channel: OutboxMessage['channel']
  task_number: number
}

async function insertEnds(runner: StatementRunner, prepared: readonly PreparedEnd[], results: Map<RunEnd, FinishResult>): Promise<void> {
  const { acceptedOn, leaseId } = prepared[0]!.end.task
  const ends = prepared.map(({ end }) => end)
  const rows = await runner.run<OutboxRow>(FINISH, [
    acceptedOn,
    makeBigintArray(ends.map(({ task }) => task.id)),
    leaseId,
    makeIntegerArray(ends.map(({ task }) => task.run)),
    makeTextArray(ends.map((end) => end.outcome)),
    makeIntegerArray(ends.map((end) => end.attempts)),
    makeTextArray(ends.map((end) => end.error?.code ?? null)),
    makeTextArray(ends.map((end) => (end.error ? makeStorableText(end.error.message) : null))),
    makeTextArray(ends.map((end) => end.error?.fingerprint ?? null)),
    makeBooleanArray(ends.map((end) => end.error?.retryable ?? null)),
    makeIntegerArray(ends.map((end) => makeStorableCount(end.usage?.prompt_tokens))),
    makeIntegerArray(ends.map((end) => makeStorableCount(end.usage?.completion_tokens))),
    makeIntegerArray(ends.map((end) => makeStorableCount(end.usage?.precached_prompt_tokens))),
    makeTextArray(ends.map(({ model }) => (model === undefined ? null : makeStorableText(model)))),
    makeTextArray(ends.map(({ finishReason }) => (finishReason === undefined ? null : makeStorableText(finishReason)))),
    makeTextArray(ends.map((end) => (end.outputRef ? JSON.stringify(end.outputRef) : null))),
    makeTextArray(ends.map((end) => end.promptVersion ?? null)),
    makeBigintArray(prepared.map(({ keySequence }) => keySequence ?? null)),
    makeUuidArray(ends.map((end) => end.resultEventId)),
    makeByteaArray(prepared.map(({ event }) => event)),
    makeUuidArray(ends.map((end) => end.deadLetter?.eventId ?? null)),
    makeByteaArray(ends.map((end) => end.deadLetter?.value ?? null)),
    makeIntegerArray(ends.map(({ task }) => task.claim)),
    makeIntegerArray(ends.map(({ task }) => task.settingsVersion)),
  ])
  const byTask = new Map(prepared.map((item) => [item.end.task.id, item]))
  const messages = Map.groupBy(rows, (row) => row.task_number)
  messages.forEach((outbox, id) => {
    const item = byTask.get(id)!
    results.set(item.end, { kind: 'finished', outbox: outbox.map((row) => makeMessage(row, item)) })
  })
}

function makeMessage({ id, channel }: OutboxRow, { end, event }: PreparedEnd): OutboxMessage {
  const { task } = end
  const shared = { id, channel, key: task.key, traceparent: task.traceparent, correlationId: task.correlationId }
  if (channel === 'results') return { ...shared, eventId: end.resultEventId, value: event }
  return { ...shared, eventId: end.deadLetter!.eventId, value: end.deadLetter!.value }
}
