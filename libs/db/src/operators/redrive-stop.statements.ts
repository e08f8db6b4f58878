import type { Change } from '#libs/kernel'
import type { HotPool, Statement } from '../connection/hot-pool.js'
import { makeBooking } from '../ledger/booking.sql.js'
import { lockRedrive } from './redrive-start.statements.js'

/**
 * A run that nobody has claimed has left no trace: without its queue row its task stands where it stood, at the end of the run before. What is
 * being claimed at this moment has begun, and stays.
 */
const STOP: Statement = {
  name: 'redrive-stop',
  text: `
  WITH unbegun AS MATERIALIZED (
    SELECT id FROM task_queue WHERE redrive_id = $1 AND state = 'pending' AND claims = 0 ORDER BY id FOR UPDATE SKIP LOCKED
  ), gone AS (
    DELETE FROM task_queue WHERE id = ANY(ARRAY(SELECT id FROM unbegun)) RETURNING id
  ), ${makeBooking(`SELECT 'redriven' AS event, -count(*) AS amount FROM gone`)}, marked AS (
    UPDATE redrive_item SET state = 'taken_back'
    WHERE redrive_id = $1 AND (state = 'waiting' OR state = 'started' AND (task_number IN (SELECT id FROM gone)) IS TRUE)
    RETURNING task_number, tenant, task_id, run
  ), stopped AS (
    UPDATE redrive SET state = 'stopped' WHERE id = $1
  ), audited_tasks AS (
    INSERT INTO audit_record (actor, reason, action, target, before, after)
    SELECT $2, $3, 'task.take_back', jsonb_build_object('tenant', tenant, 'task_id', task_id, 'id', task_number, 'redrive', $1::bigint),
           jsonb_build_object('run', run + 1, 'state', 'pending'), jsonb_build_object('run', run, 'outcome', 'failed')
    FROM marked WHERE (task_number IN (SELECT id FROM gone)) IS TRUE
  ), audited AS (
    INSERT INTO audit_record (actor, reason, action, target, before, after)
    SELECT $2, $3, 'redrive.stop', jsonb_build_object('redrive', $1::bigint), jsonb_build_object('state', $4::text),
           jsonb_build_object('state', 'stopped', 'taken_back', (SELECT count(*) FROM marked))
  )
  SELECT count(*) AS taken_back FROM marked`,
}

export function stopRedrive(pool: HotPool, id: number, { actor, reason }: Change): Promise<number | null> {
  return pool.transaction(async (transaction) => {
    const state = await lockRedrive(transaction, id)
    if (state === null) return null
    const [row] = await transaction.run<{ taken_back: number }>(STOP, [id, actor, reason, state])
    return row!.taken_back
  })
}
