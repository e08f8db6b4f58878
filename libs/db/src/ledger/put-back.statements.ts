import type { AttemptEnd, ClaimedTask, TransitionResult } from '#libs/kernel'
import { makeBigintArray, makeBooleanArray, makeIntegerArray, makeTextArray } from '../connection/binary-array.js'
import type { HotPool, Statement } from '../connection/hot-pool.js'
import { endAttempts } from './attempt.statements.js'

/** A held task that goes back to the ledger: to wait until a time, or for an operator. */
export interface PutBack {
  readonly task: ClaimedTask
  readonly state: 'pending' | 'held'
  readonly delayMs: number
  readonly reason: string
  readonly attemptEnd?: AttemptEnd
  /** The open attempt is not counted against the maximum. */
  readonly uncount: boolean
}

const PUT_BACK: Statement = {
  name: 'put-back',
  text: `
  UPDATE task_queue q SET
    state = i.state, lease_id = NULL, run_at = now() + make_interval(secs => i.delay_ms / 1000.0), reason = i.reason,
    attempts = q.attempts - i.uncounted, maybe_paid = q.maybe_paid + i.maybe_paid, prepare = i.prepare
  FROM unnest($1::bigint[], $3::text[], $4::integer[], $5::text[], $6::integer[], $7::integer[], $8::boolean[])
    AS i(id, state, delay_ms, reason, uncounted, maybe_paid, prepare)
  WHERE q.id = i.id AND q.id = ANY($1::bigint[]) AND q.state = 'running' AND q.lease_id = $2
  RETURNING q.id`,
}

/** The tasks must have been accepted on one day and be held under one lease. */
export async function putBackTasks(pool: HotPool, items: readonly PutBack[]): Promise<TransitionResult[]> {
  const { acceptedOn, leaseId } = items[0]!.task
  const rows = await pool.transaction(async (transaction) => {
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
      makeIntegerArray(items.map((item) => (item.uncount ? 1 : 0))),
      makeIntegerArray(items.map(({ attemptEnd }) => (attemptEnd?.state === 'maybe_paid' ? 1 : 0))),
      makeBooleanArray(items.map(({ task }) => task.hasFiles)),
    ])
  })
  const moved = new Set(rows.map(({ id }) => id))
  return items.map(({ task }) => (moved.has(task.id) ? 'done' : 'fenced'))
}
