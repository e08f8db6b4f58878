import { waitUntil, type WorkerProcess } from '#tools/rig'
import type { Violation } from '../invariants/violation.js'

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
    const text = await (await fetch(`${url}/metrics`)).text()
    const [busy, waiting] = [readMetric(text, 'sluice_db_pool_connections{state="busy"}'), readMetric(text, 'sluice_db_pool_waiting')]
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

/** NaN: there is no such series. */
function readMetric(text: string, series: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1) ?? Number.NaN)
}
