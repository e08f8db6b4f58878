import type { ClaimedTask, KeptAnswer, OpenAttempt } from '#libs/kernel'
import { makeBigintArray, makeByteaArray, makeIntegerArray, makeTextArray, makeUuidArray } from '../connection/binary-array.js'
import type { HotPool, Statement } from '../connection/hot-pool.js'

export interface ReceivedAnswer {
  readonly task: Pick<ClaimedTask, 'id' | 'acceptedOn' | 'run'>
  readonly attempt: OpenAttempt
  readonly answer: KeptAnswer
}

/**
 * Stores answers before anything else is done with them. Not fenced: an answer that was paid for is kept even when its task has gone to
 * another replica. The first answer of an attempt stays. (`IN` in an expression makes a hash table, where `= ANY` would search the list.)
 */
const RECORD_ANSWERS: Statement = {
  name: 'record-answers',
  text: `
  WITH stored AS (
    INSERT INTO answer (accepted_on, task_number, attempt_id, run, attempt, status, headers, body, duration_ms, prompt_version)
    SELECT $1::date, i.task_number, i.attempt_id, i.run, i.attempt, i.status, i.headers::json, i.body, i.duration_ms, i.prompt_version
    FROM unnest($2::bigint[], $3::uuid[], $4::integer[], $5::integer[], $6::integer[], $7::text[], $8::bytea[], $9::integer[],
                $10::text[])
      AS i(task_number, attempt_id, run, attempt, status, headers, body, duration_ms, prompt_version)
    ON CONFLICT DO NOTHING
  )
  UPDATE attempt SET state = 'answered', ended_at = now()
  WHERE accepted_on = $1::date AND task_number = ANY($2::bigint[]) AND (id IN (SELECT unnest($3::uuid[]))) IS TRUE
    AND state IN ('sending', 'maybe_paid')`,
}

/** The answers must be of tasks that were accepted on one day. */
export async function recordAnswers(pool: HotPool, acceptedOn: string, received: readonly ReceivedAnswer[]): Promise<void> {
  await pool.run(RECORD_ANSWERS, [
    acceptedOn,
    makeBigintArray(received.map(({ task }) => task.id)),
    makeUuidArray(received.map(({ attempt }) => attempt.id)),
    makeIntegerArray(received.map(({ task }) => task.run)),
    makeIntegerArray(received.map(({ attempt }) => attempt.number)),
    makeIntegerArray(received.map(({ answer }) => answer.status)),
    makeTextArray(received.map(({ answer }) => JSON.stringify(answer.headers))),
    makeByteaArray(received.map(({ answer }) => answer.body)),
    makeIntegerArray(received.map(({ answer }) => Math.round(answer.durationMs))),
    makeTextArray(received.map(({ answer }) => answer.promptVersion ?? null)),
  ])
}

const FIND_ATTEMPTS: Statement = {
  name: 'find-attempts',
  text: `
  SELECT id FROM attempt
  WHERE accepted_on = $1::date AND task_number = ANY($2::bigint[]) AND (id IN (SELECT unnest($3::uuid[]))) IS TRUE`,
}

/** Which of these answers, all of tasks of one day, belong to attempts of this ledger: their ids. */
export async function findAttempts(pool: HotPool, acceptedOn: string, received: readonly ReceivedAnswer[]): Promise<Set<string>> {
  const rows = await pool.run<{ id: string }>(FIND_ATTEMPTS, [
    acceptedOn,
    makeBigintArray(received.map(({ task }) => task.id)),
    makeUuidArray(received.map(({ attempt }) => attempt.id)),
  ])
  return new Set(rows.map(({ id }) => id))
}
