import { Client } from 'pg'
import { isService, type PeerName } from '../cases/bench.case.js'

export interface Done {
  readonly tasks: number
  readonly rows: number
  readonly results: number
  /** Calls that the simulator has charged. */
  readonly calls: number
  /** Was the worker stopped before it had seen all tasks? */
  readonly stoppedEarly: boolean
  /** Tasks that a stop may have broken off half-way: Nest's own transport does not wait for its handlers. */
  readonly brokenOff: number
}

/** Rows of ended tasks, each counted once. */
const ROWS_OF_LEDGER = `SELECT count(*)::integer AS rows, count(DISTINCT task_number)::integer AS tasks FROM run_record WHERE outcome = 'succeeded'`
const ROWS_OF_PEER = `SELECT count(*)::integer AS rows, count(DISTINCT task_id)::integer AS tasks FROM bench_result`

/** Results of a key whose number is not that of their task in the order of offsets. */
const OUT_OF_ORDER = `
  SELECT count(*)::integer AS wrong FROM (
    SELECT r.key_sequence, row_number() OVER (PARTITION BY t.ordering_key ORDER BY t."offset") AS expected
    FROM run_record r JOIN task t ON t.accepted_on = r.accepted_on AND t.id = r.task_number
    WHERE t.ordering_key IS NOT NULL
  ) ended WHERE key_sequence IS DISTINCT FROM expected`

/** How many tasks have a row; throws where one has two. */
export async function countRows(databaseUrl: string, peer: PeerName): Promise<number> {
  const [found] = await query<{ rows: number; tasks: number }>(databaseUrl, isService(peer) ? ROWS_OF_LEDGER : ROWS_OF_PEER)
  if (found!.rows !== found!.tasks) throw new Error(`${found!.rows} rows of ${found!.tasks} tasks`)
  return found!.rows
}

export async function checkOrder(databaseUrl: string): Promise<void> {
  const [found] = await query<{ wrong: number }>(databaseUrl, OUT_OF_ORDER)
  if (found!.wrong > 0) throw new Error(`${found!.wrong} results are out of the order of their keys`)
}

/** Each task was done once: one row, one result, one call. Every row needs a call of its own, so equal numbers leave none for a second one. */
export function checkDoneOnce({ tasks, rows, results, calls, stoppedEarly, brokenOff }: Done): void {
  const found = `${rows} rows, ${results} results and ${calls} calls of ${tasks} tasks`
  const tolerated = stoppedEarly ? brokenOff : 0
  if (results > rows || rows > calls || calls - results > tolerated) throw new Error(`the tasks were not done once each: ${found}`)
  if (!stoppedEarly && rows !== tasks) throw new Error(`the tasks were not all done: ${found}`)
}

async function query<T extends object>(databaseUrl: string, text: string): Promise<T[]> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    return (await client.query<T>(text)).rows
  } finally {
    await client.end()
  }
}
