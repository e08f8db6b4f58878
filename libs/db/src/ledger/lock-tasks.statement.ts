import { makeBigintArray } from '../connection/binary-array.js'
import type { Statement, StatementRunner } from '../connection/hot-pool.js'

const LOCK_TASKS: Statement = {
  name: 'lock-tasks',
  text: `SELECT id FROM task_queue WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE`,
}

/** Tasks are locked before their attempts by everybody, so that nobody waits for another in a circle: a reaper, and a worker that lives after all. */
export async function lockTasks(transaction: StatementRunner, ids: readonly number[]): Promise<void> {
  await transaction.run(LOCK_TASKS, [makeBigintArray(ids)])
}
