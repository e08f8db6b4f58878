import type { AttemptEnd, ClaimedTask, NextAttempt, OpenAttempt } from '#libs/kernel'
import { makeBigintArray, makeIntegerArray, makeTextArray, makeUuidArray } from '../connection/binary-array.js'
import type { HotPool, Statement, StatementRunner } from '../connection/hot-pool.js'
import { makeStorableText } from '../connection/storable.js'

const MAX_EXCERPT = 4_000

export interface EndedAttempt {
  readonly task: ClaimedTask
  readonly end: AttemptEnd
}

/** Ends attempts that got no answer. One that has been answered meanwhile stays answered. */
const END_ATTEMPTS: Statement = {
  name: 'end-attempts',
  text: `
  UPDATE attempt a SET state = i.state, ended_at = now(), http_status = i.http_status, error_code = i.error_code, excerpt = i.excerpt
  FROM unnest($2::bigint[], $3::uuid[], $4::text[], $5::integer[], $6::text[], $7::text[])
    AS i(task_number, id, state, http_status, error_code, excerpt)
  WHERE a.accepted_on = $1::date AND a.task_number = i.task_number AND a.id = i.id AND a.state = 'sending'`,
}

/** The share lock on the lease keeps a reaper off until this is committed, as in the claim. */
const OPEN_ATTEMPT: Statement = {
  name: 'open-attempt',
  text: `
  WITH lease AS MATERIALIZED (
    SELECT id FROM worker_lease WHERE id = $2 AND state = 'held' FOR SHARE
  ), answered AS MATERIALIZED (
    SELECT 1 FROM answer
    WHERE accepted_on = $3::date AND task_number = $1 AND run >= (SELECT answers_from FROM task_queue WHERE id = $1) LIMIT 1
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
    RETURNING id, sends, provider, model, estimated_tokens
  )
  INSERT INTO attempt (accepted_on, task_number, run, number, id, counted, provider, model, lease_id, reserved_tokens)
  SELECT $3::date, id, $4::integer, sends, gen_random_uuid(), $5::integer = 1, provider, model, $2, estimated_tokens FROM task
  WHERE NOT EXISTS (SELECT FROM answered)
  RETURNING id, number`,
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

export async function openAttempt(pool: HotPool, task: ClaimedTask, next: NextAttempt): Promise<OpenAttempt | null> {
  const { attemptEnd, countsAttempt, promptVersion } = next
  return pool.transaction(async (transaction) => {
    if (attemptEnd) await endAttempts(transaction, task.acceptedOn, [{ task, end: attemptEnd }])
    const rows = await transaction.run<{ id: string; number: number }>(OPEN_ATTEMPT, [
      task.id,
      task.leaseId,
      task.acceptedOn,
      task.run,
      countsAttempt ? 1 : 0,
      attemptEnd?.state === 'maybe_paid' ? 1 : 0,
      task.claim,
      promptVersion ?? null,
    ])
    return rows[0] ?? null
  })
}
