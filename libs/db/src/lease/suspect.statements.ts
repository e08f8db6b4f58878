import type { HotPool, Statement } from '../connection/hot-pool.js'

/**
 * When a parked suspect `q` becomes due by itself: just after its deadline, to end as expired. The day is for the case that nobody lets it
 * out: a task must not wait for ever.
 */
export const PARKED_UNTIL = `now() + least(interval '1 day', CASE WHEN q.deadline > now() THEN q.deadline - now() + interval '1 second' END)`

const FIND_PARKED: Statement = {
  name: 'suspect-find',
  text: `SELECT id FROM task_queue WHERE suspect_since IS NOT NULL AND state = 'pending' LIMIT 1`,
}

/** In a statement of its own: the next one must see what the holder before has committed. */
const LOCK: Statement = { name: 'suspect-lock', text: `SELECT pg_advisory_xact_lock(hashtext('sluice.suspects'))` }

/** One that nobody claims (its route is closed, or others have a higher priority) makes room for the next. */
const PARK_UNCLAIMED: Statement = {
  name: 'suspect-park-unclaimed',
  text: `
  UPDATE task_queue q SET suspect_since = now(), run_at = ${PARKED_UNTIL}
  WHERE q.id = ANY(ARRAY(
    SELECT id FROM task_queue WHERE suspect_since IS NOT NULL AND state = 'pending'
      AND run_at <= now() AND greatest(run_at, suspect_since) < now() - interval '30 seconds'
    ORDER BY id FOR UPDATE SKIP LOCKED
  ))`,
}

/** It goes before everything else of its priority, since others wait behind it. Those that no death counts against come first. */
const LET_OUT: Statement = {
  name: 'suspect-let-out',
  text: `
  UPDATE task_queue q SET suspect_since = now(), run_at = least(now(), q.accepted_on::timestamptz)
  WHERE q.id = (
    SELECT id FROM task_queue WHERE suspect_since IS NOT NULL AND state = 'pending' AND is_head AND run_at > now()
    ORDER BY crashes, suspect_since, id LIMIT 1 FOR UPDATE SKIP LOCKED
  ) AND NOT EXISTS (
    SELECT FROM task_queue WHERE suspect_since IS NOT NULL AND (state = 'running' OR state = 'pending' AND run_at <= now())
  )
  RETURNING q.id`,
}

/**
 * A worker that died held many tasks, and one of them may have killed it. All of them become suspects:
 *
 * none -> parked       the worker died that held it: nobody claims it
 * parked -> out        one at a time in all replicas: it is due, and claimed as any other task
 * out -> none          its try came to an end, whichever
 * out -> parked        the worker died again, and this was the only suspect that it held: that counts against it (`crashes`). Or it was
 *                      handed over at a stop, or not claimed in time
 *
 * The claim knows nothing of all that: a parked task is one that is not due. Returns whether one was let out.
 */
export async function letSuspectOut(pool: HotPool): Promise<boolean> {
  if ((await pool.run(FIND_PARKED, [])).length === 0) return false
  return pool.transaction(async (transaction) => {
    await transaction.run(LOCK, [])
    await transaction.run(PARK_UNCLAIMED, [])
    return (await transaction.run(LET_OUT, [])).length > 0
  })
}
