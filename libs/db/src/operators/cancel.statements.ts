import type { CancelledEnd, CancelledTask, Change } from '#libs/kernel'
import type { HotPool, Row, Statement } from '../connection/hot-pool.js'
import { makeBooking } from '../ledger/booking.sql.js'
import { advanceSequences, lockKeys, makeKeyArray, promoteHeads } from '../ledger/ordering.statements.js'

const KEY_OF: Statement = { name: 'operator-key-of', text: `SELECT ordering_key FROM task_queue WHERE id = $1` }

/** Waits for a claim or a deferral that has the row, and then looks at what it has become. */
const LOCK: Statement = {
  name: 'operator-lock-task',
  text: `
  SELECT q.tenant, t.task_id, q.type, q.run, q.attempts, q.settings_version, q.prompt_version, t.accepted_at, t.correlation_id, t.traceparent,
         convert_from(t.payload, 'UTF8') AS payload
  FROM task_queue q JOIN task t ON t.accepted_on = q.accepted_on AND t.id = q.id
  WHERE q.id = $1 AND q.state IN ('pending', 'held')
  FOR UPDATE OF q`,
}

const END: Statement = {
  name: 'operator-cancel',
  text: `
  WITH done AS (
    DELETE FROM task_queue WHERE id = $1 RETURNING *
  ), ${makeBooking(`SELECT 'cancelled' AS event, count(*) AS amount FROM done`)}, recorded AS (
    INSERT INTO run_record (accepted_on, task_number, run, outcome, attempts, error_code, error_message, error_retryable, settings_version,
                            prompt_version, key_sequence, result_event_id, result_event)
    SELECT accepted_on, id, run, 'cancelled', attempts, $2, $3, $4, settings_version, prompt_version, $5, $6, $7 FROM done
  ), audited AS (
    INSERT INTO audit_record (actor, reason, action, target, before, after)
    SELECT $8, $9, 'task.cancel', jsonb_build_object('tenant', tenant, 'task_id', $10::text, 'id', id, 'run', run),
           jsonb_build_object('state', state, 'reason', reason, 'run_at', run_at, 'maybe_paid', maybe_paid),
           jsonb_build_object('outcome', 'cancelled')
    FROM done
  )
  INSERT INTO outbox (channel, accepted_on, task_number, run) SELECT 'results', accepted_on, id, run FROM done`,
}

interface LockedRow extends Row {
  tenant: string
  task_id: string
  type: string
  run: number
  attempts: number
  settings_version: number
  prompt_version: string | null
  accepted_at: number
  correlation_id: string | null
  traceparent: string | null
  payload: string
}

interface Cancellation {
  readonly id: number
  readonly makeEnd: (task: CancelledTask) => CancelledEnd
  readonly change: Change
}

/** Takes the lock of the task's key before its row, as the end of any other run does. false: the task is neither pending nor held. */
export function cancelTask(pool: HotPool, { id, makeEnd, change }: Cancellation): Promise<boolean> {
  return pool.transaction(async (transaction) => {
    const [queued] = await transaction.run<{ ordering_key: Buffer | null }>(KEY_OF, [id])
    const keys = makeKeyArray([queued?.ordering_key ?? null])
    if (keys) await lockKeys(transaction, keys)
    const [row] = await transaction.run<LockedRow>(LOCK, [id])
    if (!row) return false
    const [keySequence] = keys ? (await advanceSequences(transaction, keys)).values() : []
    const { error, resultEventId, makeResultEvent } = makeEnd(makeCancelledTask(row))
    await transaction.run(END, [
      id,
      error.code,
      error.message,
      error.retryable,
      keySequence ?? null,
      resultEventId,
      makeResultEvent(keySequence),
      change.actor,
      change.reason,
      row.task_id,
    ])
    if (keys) await promoteHeads(transaction, keys)
    return true
  })
}

function makeCancelledTask(row: LockedRow): CancelledTask {
  return {
    tenant: row.tenant,
    taskId: row.task_id,
    type: row.type,
    run: row.run,
    attempts: row.attempts,
    settingsVersion: row.settings_version,
    promptVersion: row.prompt_version,
    acceptedAtMs: row.accepted_at,
    correlationId: row.correlation_id,
    traceparent: row.traceparent,
    payload: row.payload,
  }
}
