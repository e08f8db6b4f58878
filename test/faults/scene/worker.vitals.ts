import type { WorkerProcess } from '#tools/rig'

/** What a worker's metrics say of its process. */
export interface Vitals {
  readonly pid: number
  readonly rssBytes: number
  /** Since they were read the last time. */
  readonly lagP99Ms: number
}

export async function readVitals(workers: readonly Pick<WorkerProcess, 'url' | 'pid'>[]): Promise<Vitals[]> {
  return Promise.all(
    workers.map(async ({ url, pid }) => {
      const text = await readMetrics(url)
      const lagP99Ms = 1_000 * readSeries(text, 'nodejs_eventloop_lag_p99_seconds')
      return { pid, rssBytes: readSeries(text, 'process_resident_memory_bytes'), lagP99Ms }
    }),
  )
}

export async function readMetrics(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text()
}

/** NaN: there is no such series. */
export function readSeries(text: string, series: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1) ?? Number.NaN)
}
