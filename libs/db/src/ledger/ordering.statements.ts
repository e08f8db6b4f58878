import { makeByteaArray } from '../connection/binary-array.js'
import type { Statement, StatementRunner } from '../connection/hot-pool.js'

/**
 * Order per key. Only the head of a key can be claimed. Accept and finish both lock the key's row in `ordering_key` (sorted, so that they
 * never deadlock) before they look at its tasks in a statement of their own, which sees all that was committed under the lock before.
 * So either a new task finds its key free, or the finish that frees the key finds the task: no key can stall.
 */
const LOCK_KEYS: Statement = {
  name: 'lock-keys',
  text: `
  INSERT INTO ordering_key (ordering_key, touched_on)
  SELECT k, (now() AT TIME ZONE 'UTC')::date FROM unnest($1::bytea[]) AS k ORDER BY k
  ON CONFLICT (ordering_key) DO UPDATE SET touched_on = excluded.touched_on`,
}

const PROMOTE_HEADS: Statement = {
  name: 'promote-heads',
  text: `
  UPDATE task_queue SET is_head = true WHERE id = ANY(ARRAY(
    SELECT next.id
    FROM unnest($1::bytea[]) AS k
    CROSS JOIN LATERAL (SELECT q.id FROM task_queue q WHERE q.ordering_key = k ORDER BY q.ordering_offset, q.id LIMIT 1) AS next
    WHERE NOT EXISTS (SELECT FROM task_queue h WHERE h.ordering_key = k AND h.is_head)
  ))
  RETURNING id`,
}

const ADVANCE_SEQUENCES: Statement = {
  name: 'advance-sequences',
  text: `
  UPDATE ordering_key SET last_sequence = last_sequence + 1 WHERE ordering_key = ANY($1::bytea[])
  RETURNING encode(ordering_key, 'hex') AS key, last_sequence`,
}

/** The distinct keys, sorted; undefined where there are none. */
export function makeKeyArray(keys: readonly (Buffer | null)[]): Buffer | undefined {
  const distinct = new Set(keys.flatMap((key) => (key === null ? [] : [key.toString('hex')])))
  if (distinct.size === 0) return undefined
  return makeByteaArray([...distinct].toSorted().map((key) => Buffer.from(key, 'hex')))
}

export async function lockKeys(transaction: StatementRunner, keys: Buffer): Promise<void> {
  await transaction.run(LOCK_KEYS, [keys])
}

/** Makes the next task of each key that has no head the head. Returns how many there were. */
export async function promoteHeads(transaction: StatementRunner, keys: Buffer): Promise<number> {
  return (await transaction.run(PROMOTE_HEADS, [keys])).length
}

/** The number of the next result of each key, by the key in hexadecimal. The keys must be locked and each may finish only one task. */
export async function advanceSequences(transaction: StatementRunner, keys: Buffer): Promise<Map<string, number>> {
  const rows = await transaction.run<{ key: string; last_sequence: number }>(ADVANCE_SEQUENCES, [keys])
  return new Map(rows.map((row) => [row.key, row.last_sequence]))
}
