import type { ClaimedTask, DeferralClass, TaskProgress, TransitionResult } from '#libs/kernel'
import { makeBigintArray, makeBooleanArray, makeIntegerArray, makeTextArray } from '../connection/binary-array.js'
import type { HotPool, Statement } from '../connection/hot-pool.js'
import { IS_ROAMING, PARKED_UNTIL } from '../lease/suspect.statements.js'
import { endAttempts } from './attempt.statements.js'
import { lockTasks } from './lock-tasks.statement.js'

/** A held task that goes back to the ledger: to wait until a time, or for an operator. */
export interface PutBack extends TaskProgress {
  readonly task: ClaimedTask
  readonly state: 'pending' | 'held'
  readonly delayMs: number
  readonly reason: string
  /** null: it does not wait for a time. */
  readonly deferralClass: DeferralClass | null
  /** What this try adds to the attempts that count: 1 where it counts without an open attempt, -1 where the open one does not count. */
  readonly attemptsDelta: -1 | 0 | 1
}

/**
 * An attempt that is still `sending` was opened by a statement whose answer was lost: nobody knows of it, so nothing of it was sent.
 *
 * A try that came to an end has not killed its worker: the task is no suspect any more. One that is handed over has not been tried.
 */
const PUT_BACK: Statement = {
  name: 'put-back',
  text: `
  WITH item AS MATERIALIZED (
    SELECT q.id, q.accepted_on, q.run, q.sends, i.state, i.delay_ms, i.reason, i.attempts_delta, i.maybe_paid, i.prepare, i.prompt_version,
           i.deferral_class
    FROM task_queue q
    JOIN unnest($1::bigint[], $3::text[], $4::integer[], $5::text[], $6::integer[], $7::integer[], $8::boolean[], $9::integer[],
                $10::text[], $11::text[])
      AS i(id, state, delay_ms, reason, attempts_delta, maybe_paid, prepare, claim, prompt_version, deferral_class) ON i.id = q.id
    WHERE q.id = ANY($1::bigint[]) AND q.state = 'running' AND q.lease_id = $2 AND q.claims = i.claim
    FOR UPDATE OF q
  ), lost AS (
    UPDATE attempt a SET state = 'not_sent', ended_at = now(), error_code = 'ledger_unavailable'
    FROM item i
    WHERE a.accepted_on = i.accepted_on AND a.task_number = i.id AND a.run = i.run AND a.number = i.sends AND a.state = 'sending'
    RETURNING a.task_number, a.counted
  )
  UPDATE task_queue q SET
    state = i.state, lease_id = NULL, reason = i.reason,
    suspect_since = CASE WHEN i.deferral_class = 'handover' AND q.suspect_since IS NOT NULL THEN now() END,
    deaths = CASE WHEN i.deferral_class = 'handover' THEN q.deaths ELSE 0 END,
    run_at = CASE WHEN i.deferral_class = 'handover' AND q.suspect_since IS NOT NULL AND NOT ${IS_ROAMING} THEN ${PARKED_UNTIL}
                  ELSE now() + make_interval(secs => i.delay_ms / 1000.0) END,
    attempts = q.attempts + i.attempts_delta - coalesce(l.counted, false)::integer,
    maybe_paid = q.maybe_paid + i.maybe_paid, prepare = i.prepare, prompt_version = coalesce(q.prompt_version, i.prompt_version),
    deferral_class = i.deferral_class,
    deferrals = CASE WHEN i.deferral_class IS NULL THEN 0 WHEN q.deferral_class = i.deferral_class THEN q.deferrals + 1 ELSE 1 END
  FROM item i LEFT JOIN lost l ON l.task_number = i.id
  WHERE q.id = i.id AND q.id = ANY($1::bigint[])
  RETURNING q.id`,
}

/** Of those that were not moved now: which ones had been, by a statement whose answer was lost. A reaper gives another reason. */
const FIND_PUT_BACK: Statement = {
  name: 'find-put-back',
  text: `
  SELECT q.id FROM task_queue q
  JOIN unnest($1::bigint[], $2::integer[], $3::text[], $4::text[]) AS i(id, claim, state, reason) ON i.id = q.id
  WHERE q.id = ANY($1::bigint[]) AND q.lease_id IS NULL AND q.claims = i.claim AND q.state = i.state AND q.reason = i.reason`,
}

/** The tasks must have been accepted on one day and be held under one lease. Repeating it is harmless, and answers as the first time. */
export async function putBackTasks(pool: HotPool, items: readonly PutBack[]): Promise<TransitionResult[]> {
  const { acceptedOn, leaseId } = items[0]!.task
  const rows = await pool.transaction(async (transaction) => {
    await lockTasks(
      transaction,
      items.map(({ task }) => task.id),
    )
    await endAttempts(
      transaction,
      acceptedOn,
      items.flatMap(({ task, attemptEnd }) => (attemptEnd ? [{ task, end: attemptEnd }] : [])),
    )
    return transaction.run<{ id: number }>(PUT_BACK, [
      makeBigintArray(items.map(({ task }) => task.id)),
      leaseId,
      makeTextArray(items.map(({ state }) => state)),
      makeIntegerArray(items.map(({ delayMs }) => Math.ceil(delayMs))),
      makeTextArray(items.map(({ reason }) => reason)),
      makeIntegerArray(items.map(({ attemptsDelta }) => attemptsDelta)),
      makeIntegerArray(items.map(({ attemptEnd }) => (attemptEnd?.state === 'maybe_paid' ? 1 : 0))),
      makeBooleanArray(items.map(({ task }) => task.hasFiles)),
      makeIntegerArray(items.map(({ task }) => task.claim)),
      makeTextArray(items.map(({ promptVersion }) => promptVersion ?? null)),
      makeTextArray(items.map(({ deferralClass }) => deferralClass)),
    ])
  })
  const moved = new Set(rows.map(({ id }) => id))
  const left = items.filter(({ task }) => !moved.has(task.id))
  if (left.length > 0) for (const id of await findPutBack(pool, left)) moved.add(id)
  return items.map(({ task }) => (moved.has(task.id) ? 'done' : 'fenced'))
}

async function findPutBack(pool: HotPool, items: readonly PutBack[]): Promise<number[]> {
  const rows = await pool.run<{ id: number }>(FIND_PUT_BACK, [
    makeBigintArray(items.map(({ task }) => task.id)),
    makeIntegerArray(items.map(({ task }) => task.claim)),
    makeTextArray(items.map(({ state }) => state)),
    makeTextArray(items.map(({ reason }) => reason)),
  ])
  return rows.map(({ id }) => id)
}
