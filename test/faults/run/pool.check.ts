import { waitUntil, type WorkerProcess } from '#tools/rig'
import type { Violation } from '../invariants/violation.js'
import { readMetrics, readSeries } from '../scene/worker.vitals.js'

/** What a worker's pool does for itself, such as renewing the lease, is done within moments. */
const LIMIT_MS = 10_000

/** I10: once all work is done there is a moment at which no connection of a worker's pool is in use, and no statement waits for one. */
export async function checkPools(workers: readonly Pick<WorkerProcess, 'url'>[], limitMs = LIMIT_MS): Promise<Violation[]> {
  const found = await Promise.all(workers.map(({ url }) => checkPool(url, limitMs)))
  return found.flat()
}

async function checkPool(url: string, timeoutMs: number): Promise<Violation[]> {
  let last = ''
  const isFree = async () => {
    const text = await readMetrics(url)
    const [busy, waiting] = [readSeries(text, 'sluice_db_pool_connections{state="busy"}'), readSeries(text, 'sluice_db_pool_waiting')]
    last = `${busy} busy, ${waiting} waiting`
    return busy === 0 && waiting === 0
  }
  return waitUntil(isFree, { what: 'a pool to be free', timeoutMs }).then(
    () => [],
    (error: Error) => [
      { invariant: 'I10', problem: 'a pool is in use and there is no work', evidence: { url, last, error: error.message } },
    ],
  )
}
