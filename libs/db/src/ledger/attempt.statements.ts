import {
  TaskError,
  type AttemptEnd,
  type ClaimedTask,
  type MeterChange,
  type Metering,
  type NextAttempt,
  type OpenAttempt,
  type Reservation,
} from '#libs/kernel'
import { lockMeters, writeMeters } from '../admission/meter.statements.js'
import { makeBigintArray, makeIntegerArray, makeTextArray, makeUuidArray } from '../connection/binary-array.js'
import type { HotPool, Row, Statement, StatementRunner } from '../connection/hot-pool.js'
import { makeStorableText } from '../connection/storable.js'
import { lockTasks } from './lock-tasks.statement.js'

const MAX_EXCERPT = 4_000

export interface EndedAttempt {
  readonly task: ClaimedTask
  readonly end: AttemptEnd
}

/**
 * Ends attempts of which no answer is kept. One that has been answered meanwhile stays answered. What may have been paid for, failed on
 * the provider's side, or was answered with more than may be kept, is booked with what was reserved, never as nothing.
 */
const END_ATTEMPTS: Statement = {
  name: 'end-attempts',
  text: `
  UPDATE attempt a SET state = i.state, ended_at = now(), http_status = i.http_status, error_code = i.error_code, excerpt = i.excerpt,
    booked_tokens = CASE WHEN i.state IN ('maybe_paid', 'answered') OR i.state = 'refused' AND i.http_status >= 500 THEN a.reserved_tokens ELSE 0 END
  FROM unnest($2::bigint[], $3::uuid[], $4::text[], $5::integer[], $6::text[], $7::text[])
    AS i(task_number, id, state, http_status, error_code, excerpt)
  WHERE a.accepted_on = $1::date AND a.task_number = i.task_number AND a.id = i.id AND a.state = 'sending'`,
}

/**
 * The share lock on the lease keeps a reaper off until this is committed, as in the claim. On a route whose breaker has opened nothing is
 * changed, but for the holder of its probe, and for a call that follows another one on the same stream ($9).
 */
const OPEN_ATTEMPT: Statement = {
  name: 'open-attempt',
  text: `
  WITH lease AS MATERIALIZED (
    SELECT id FROM worker_lease WHERE id = $2 AND state = 'held' FOR SHARE
  ), answered AS MATERIALIZED (
    SELECT 1 FROM answer
    WHERE accepted_on = $3::date AND task_number = $1 AND run >= (SELECT answers_from FROM task_queue WHERE id = $1) LIMIT 1
  ), closed AS MATERIALIZED (
    SELECT b.status FROM task_queue q
    CROSS JOIN LATERAL (
      SELECT status, probe_lease_id FROM route_breaker b WHERE b.provider = q.provider AND b.model = q.model LIMIT 1
    ) b
    WHERE q.id = $1 AND NOT $9::boolean AND b.status <> 'closed' AND (b.status = 'half_open' AND b.probe_lease_id = $2) IS NOT TRUE
  ), task AS (
    UPDATE task_queue SET
      sends = sends + CASE WHEN EXISTS (SELECT FROM answered) THEN 0 ELSE 1 END,
      attempts = attempts + CASE WHEN EXISTS (SELECT FROM answered) THEN 0 ELSE $5::integer END,
      maybe_paid = maybe_paid + $6::integer,
      prepare = false,
      prompt_version = coalesce(prompt_version, $8::text),
      free_attempt_used = free_attempt_used OR $5::integer = 0,
      state = CASE WHEN EXISTS (SELECT FROM answered) THEN 'pending' ELSE state END,
      lease_id = CASE WHEN EXISTS (SELECT FROM answered) THEN NULL ELSE lease_id END,
      run_at = CASE WHEN EXISTS (SELECT FROM answered) THEN now() ELSE run_at END
    WHERE id = $1 AND state = 'running' AND lease_id = $2 AND claims = $7 AND EXISTS (SELECT FROM lease)
      AND (EXISTS (SELECT FROM answered) OR NOT EXISTS (SELECT FROM closed))
    RETURNING id, sends, provider, model, estimated_tokens
  ), opened AS (
    INSERT INTO attempt (accepted_on, task_number, run, number, id, counted, provider, model, lease_id, reserved_tokens, reserved_max_tokens,
                         reserved_money, metered_on)
    SELECT $3::date, id, $4::integer, sends, gen_random_uuid(), $5::integer = 1, provider, model, $2, coalesce($10::integer, estimated_tokens),
           $11::integer, $12::float8, CASE WHEN $11::integer IS NOT NULL THEN (now() AT TIME ZONE 'UTC')::date END FROM task
    WHERE NOT EXISTS (SELECT FROM answered)
    RETURNING id, number
  )
  SELECT o.id, o.number, EXISTS (SELECT FROM closed) AND NOT EXISTS (SELECT FROM answered) AS is_closed
  FROM (VALUES (1)) AS one LEFT JOIN opened o ON true`,
}

interface OpenedRow extends Row {
  id: string | null
  number: number
  is_closed: boolean
}

export async function endAttempts(runner: StatementRunner, acceptedOn: string, ended: readonly EndedAttempt[]): Promise<void> {
  if (ended.length === 0) return
  await runner.run(END_ATTEMPTS, [
    acceptedOn,
    makeBigintArray(ended.map(({ task }) => task.id)),
    makeUuidArray(ended.map(({ end }) => end.attemptId)),
    makeTextArray(ended.map(({ end }) => end.state)),
    makeIntegerArray(ended.map(({ end }) => end.httpStatus ?? null)),
    makeTextArray(ended.map(({ end }) => end.error.code)),
    makeTextArray(ended.map(({ end }) => (end.excerpt === undefined ? null : makeStorableText(end.excerpt.slice(0, MAX_EXCERPT))))),
  ])
}

/** What the call may use, by its meters: they are locked, and changed only once its attempt is open. */
async function reserve(
  transaction: StatementRunner,
  metering: Metering,
  { task, estimatedTokens = 0 }: { readonly task: ClaimedTask; readonly estimatedTokens: number | undefined },
): Promise<{ readonly reservation: Reservation; readonly changes: readonly MeterChange[] }> {
  const levels = await lockMeters(transaction, metering.meters)
  const { admitted, changes } = metering.admit(levels, [{ id: task.id, lane: task, estimatedTokens, needsCall: true }])
  const refusal = metering.refusalOf(task)
  if (refusal) {
    const { gate, value, limit } = refusal
    // Without a time: what was reserved may come back at any moment, and a task must not expire because of a wait that is only guessed.
    throw TaskError.unavailable('quota_exhausted', `${gate} is at ${Math.round(value)} of ${limit}`)
  }
  const { reservation, exceeds } = admitted[0]!
  if (exceeds) {
    throw TaskError.invalid(
      'exceeds_budget',
      `the call may use ${Math.ceil(exceeds.cost)} of ${exceeds.gate}, whose limit is ${exceeds.limit} a day: lower max_tokens, split the input, or raise the limit`,
    )
  }
  return { reservation: reservation!, changes }
}

export async function openAttempt(pool: HotPool, task: ClaimedTask, next: NextAttempt): Promise<OpenAttempt | null> {
  const { attemptEnd, countsAttempt, promptVersion, metering, estimatedTokens } = next
  return pool.transaction(async (transaction) => {
    const reserved = metering && (await reserve(transaction, metering, { task, estimatedTokens }))
    if (attemptEnd) {
      await lockTasks(transaction, [task.id])
      await endAttempts(transaction, task.acceptedOn, [{ task, end: attemptEnd }])
    }
    const [row] = await transaction.run<OpenedRow>(OPEN_ATTEMPT, [
      task.id,
      task.leaseId,
      task.acceptedOn,
      task.run,
      countsAttempt ? 1 : 0,
      attemptEnd?.state === 'maybe_paid' ? 1 : 0,
      task.claim,
      promptVersion ?? null,
      attemptEnd !== undefined,
      reserved?.reservation.tokens ?? estimatedTokens ?? null,
      reserved?.reservation.maxTokens ?? null,
      reserved?.reservation.money ?? null,
    ])
    const { id, number, is_closed: isClosed } = row!
    if (isClosed) throw TaskError.unavailable('route_closed', `the breaker of ${task.provider} ${task.model} has opened`)
    if (id === null) return null
    if (reserved) await writeMeters(transaction, reserved.changes)
    return { id, number }
  })
}
