import type { HotPool, Statement } from '../connection/hot-pool.js'

/**
 * When a parked suspect `q` becomes due by itself: just after its deadline, to end as expired. The day is for the case that nobody lets it
 * out: a task must not wait for ever.
 */
export const PARKED_UNTIL = `now() + least(interval '1 day', CASE WHEN q.deadline > now() THEN q.deadline - now() + interval '1 second' END)`

/** It has met two deaths since its last try came to an end, or one counts against it: it runs with no other suspect. */
const IS_ISOLATED = '(q.deaths > 1 OR q.crashes > 0)'
/** It met one death, and no call of it was broken off: one more would cost it nothing. */
export const IS_ROAMING = '(q.deaths = 1 AND q.crashes = 0 AND q.maybe_paid = 0)'
const IS_PARKED = `(q.suspect_since IS NOT NULL AND q.state = 'pending' AND q.run_at > now())`
/** Claimed, or due. */
const IS_OUT = `(q.suspect_since IS NOT NULL AND (q.state = 'running' OR q.state = 'pending' AND q.run_at <= now()) AND NOT ${IS_ROAMING})`

/** It doubles this often while nobody dies. The largest power is only there so that it has an end. */
const DOUBLING_S = 1
const MAX_DOUBLINGS = 12

const FIND_PARKED: Statement = {
  name: 'suspect-find',
  text: `SELECT q.id FROM task_queue q WHERE ${IS_PARKED} LIMIT 1`,
}

/** In a statement of its own: the next one must see what the holder before has committed. */
const LOCK: Statement = { name: 'suspect-lock', text: `SELECT pg_advisory_xact_lock(hashtext('sluice.suspects'))` }

/** One that nobody claims (its route is closed, or others have a higher priority) makes room for the next. */
const PARK_UNCLAIMED: Statement = {
  name: 'suspect-park-unclaimed',
  text: `
  UPDATE task_queue q SET suspect_since = now(), run_at = ${PARKED_UNTIL}
  WHERE q.id = ANY(ARRAY(
    SELECT q.id FROM task_queue q WHERE ${IS_OUT} AND q.state = 'pending' AND greatest(q.run_at, q.suspect_since) < now() - interval '30 seconds'
    ORDER BY q.id FOR UPDATE SKIP LOCKED
  ))`,
}

/** They go before everything else of their priority, since others wait behind them. */
const makeLetOut = (
  name: string,
  { who, order, limit }: { readonly who: string; readonly order: string; readonly limit: string },
): Statement => ({
  name,
  text: `
  UPDATE task_queue q SET suspect_since = now(), run_at = least(now(), q.accepted_on::timestamptz)
  WHERE q.id = ANY(ARRAY(
    SELECT q.id FROM task_queue q WHERE ${IS_PARKED} AND q.is_head AND ${who} ORDER BY ${order} LIMIT ${limit} FOR UPDATE SKIP LOCKED
  ))
  RETURNING q.id`,
})

/** Those that met one death: one side by side at first, and twice as many each second without a further death. */
const LET_OUT: Statement = makeLetOut('suspect-let-out', {
  who: `NOT ${IS_ISOLATED}`,
  order: 'q.suspect_since, q.id',
  limit: `(
    SELECT CASE WHEN bool_or(${IS_ISOLATED}) THEN 0 ELSE greatest(0, (
      SELECT 2 ^ least(${MAX_DOUBLINGS}, floor(coalesce(extract(epoch FROM now() - max(ended_at)), 0) / ${DOUBLING_S}))
      FROM worker_lease WHERE state = 'reaped'
    ) - count(*)) END::bigint
    FROM task_queue q WHERE ${IS_OUT}
  )`,
})

/** The others after them, alone. Those come first that the fewest deaths count against. */
const LET_OUT_ALONE: Statement = makeLetOut('suspect-let-out-alone', {
  who: IS_ISOLATED,
  order: 'q.crashes, q.suspect_since, q.id',
  limit: `(SELECT CASE WHEN EXISTS (SELECT FROM task_queue q WHERE ${IS_OUT}) THEN 0 ELSE 1 END)`,
})

/**
 * A worker that died held many tasks, and one of them may have killed it. All of them become suspects:
 *
 * none -> roaming      the worker died that held it, in no call of it: it is due at once, as any other task
 * none -> parked       the worker died during a call of it: nobody claims it, since another death would break off, and perhaps pay for, one more
 * roaming -> parked    the next worker died too
 * parked -> out        few at a time in all replicas, or alone: it is due, and claimed as any other task
 * out -> none          its try came to an end, whichever; so does a roaming one's
 * out -> parked        the worker died again. Where this was the only suspect that it held, that counts against it (`crashes`). Or it was
 *                      handed over at a stop, or not claimed in time
 *
 * The claim knows nothing of all that: a parked task is one that is not due. Returns whether any was let out.
 */
export async function letSuspectsOut(pool: HotPool): Promise<boolean> {
  if ((await pool.run(FIND_PARKED, [])).length === 0) return false
  return pool.transaction(async (transaction) => {
    await transaction.run(LOCK, [])
    await transaction.run(PARK_UNCLAIMED, [])
    if ((await transaction.run(LET_OUT, [])).length > 0) return true
    return (await transaction.run(LET_OUT_ALONE, [])).length > 0
  })
}
