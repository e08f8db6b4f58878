import type { ClaimedTask } from '#libs/kernel'
import { makeBigintArray, makeIntegerArray } from '../connection/binary-array.js'
import type { HotPool, Statement } from '../connection/hot-pool.js'

/**
 * After a claim or an open whose answer was lost, PostgreSQL may say that we hold a task of which we know nothing. Nothing of it was
 * ever sent, so its attempt ends as not_sent and it goes back at once.
 */
const RELEASE_UNKNOWN: Statement = {
  name: 'release-unknown',
  text: `
  WITH unknown AS MATERIALIZED (
    SELECT id, accepted_on, run, sends FROM task_queue
    WHERE lease_id = $1 AND state = 'running' AND ((id, claims) IN (SELECT * FROM unnest($2::bigint[], $3::integer[]))) IS NOT TRUE
    ORDER BY id FOR UPDATE
  ), ended AS (
    UPDATE attempt a SET state = 'not_sent', ended_at = now(), error_code = 'ledger_unavailable'
    FROM unknown u WHERE a.accepted_on = u.accepted_on AND a.task_number = u.id AND a.run = u.run AND a.number = u.sends AND a.state = 'sending'
    RETURNING a.task_number, a.counted
  )
  UPDATE task_queue q SET state = 'pending', lease_id = NULL, reason = 'claim_lost',
    attempts = q.attempts - coalesce(e.counted, false)::integer
  FROM unknown u LEFT JOIN ended e ON e.task_number = u.id
  WHERE q.id = u.id
  RETURNING q.id`,
}

/** `held` are the claims that this replica knows to hold. Returns how many it did not know of. */
export async function releaseUnknown(pool: HotPool, leaseId: number, held: readonly Pick<ClaimedTask, 'id' | 'claim'>[]): Promise<number> {
  const ids = makeBigintArray(held.map(({ id }) => id))
  const claims = makeIntegerArray(held.map(({ claim }) => claim))
  return (await pool.run(RELEASE_UNKNOWN, [leaseId, ids, claims])).length
}
