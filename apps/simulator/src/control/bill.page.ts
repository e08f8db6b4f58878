import type { ServerResponse } from 'node:http'
import { describeCall } from '../bill/call.record.js'
import type { Simulation } from '../simulation.js'

const DEFAULT_LIMIT = 50_000

/** One JSON record a line. The next page starts at `since=` the value of `X-Sim-Next-Since`; it is the last one when `X-Sim-More` is false. */
export function sendBill({ bill }: Simulation, query: URLSearchParams, response: ServerResponse): void {
  const since = numberOr(query.get('since'), 0)
  const limit = numberOr(query.get('limit'), DEFAULT_LIMIT)
  const lines: string[] = []
  let last = since
  for (const record of bill.recordsSince(since)) {
    if (lines.length >= limit) break
    lines.push(JSON.stringify(describeCall(record, bill.openedAtMs)))
    last = record.sequence
  }
  response.writeHead(200, {
    'Content-Type': 'application/x-ndjson; charset=utf-8',
    'X-Sim-Next-Since': last,
    'X-Sim-More': String(last < bill.lastSequence && lines.length >= limit),
    'X-Sim-Forgotten': bill.forgotten,
  })
  response.end(lines.length === 0 ? '' : `${lines.join('\n')}\n`)
}

function numberOr(text: string | null, fallback: number): number {
  const value = text === null ? Number.NaN : Number(text)
  return Number.isFinite(value) ? value : fallback
}
