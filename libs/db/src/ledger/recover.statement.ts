import { makeBigintArray } from '../connection/binary-array.js'
import type { HotPool, Statement } from '../connection/hot-pool.js'

/**
 * After a claim or an open whose answer was lost, PostgreSQL may say that we hold a task of which we know nothing. Nothing of it was
 * ever sent, so its attempt ends as not_sent and it goes back at once.
 */
const RELEASE_UNKNOWN: Statement = {
  name: 'release-unknown',
  text: `
  WITH unknown AS (
    UPDATE task_queue SET state = 'pending', lease_id = NULL, reason = 'claim_lost',
      attempts = attempts - (CASE WHEN prepare THEN 0 ELSE 1 END)
    WHERE lease_id = $1 AND state = 'running' AND NOT id = ANY($2::bigint[])
    RETURNING id, accepted_on, run, sends
  ), ended AS (
    UPDATE attempt a SET state = 'not_sent', ended_at = now(), error_code = 'ledger_unavailable'
    FROM unknown u WHERE a.accepted_on = u.accepted_on AND a.task_number = u.id AND a.run = u.run AND a.number = u.sends AND a.state = 'sending'
  )
  SELECT id FROM unknown`,
}

/** `heldIds` are the tasks that this replica knows to hold. Returns how many it did not know of. */
export async function releaseUnknown(pool: HotPool, leaseId: number, heldIds: readonly number[]): Promise<number> {
  return (await pool.run(RELEASE_UNKNOWN, [leaseId, makeBigintArray(heldIds)])).length
}
