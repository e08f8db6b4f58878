import type { BilledCall } from '#tools/rig'
import type { Evidence } from './evidence.js'
import type { Violation } from './violation.js'

/** The simulator frees a stream just before the end that it writes on the bill: the next call may come in between. */
const CLOSING_MS = 20

/** The provider's limit is never passed: by its bill no more calls were under way at once than the run has streams, and it refused none for that. */
export function checkLimits({ calls, streams }: Evidence): Violation[] {
  if (streams === undefined) return []
  const refused = calls
    .filter(({ status, fault }) => status === 429 && fault === null)
    .map((call): Violation => ({ invariant: 'limits', problem: "a call was refused by the provider's own limit", evidence: call }))
  const most = findMostAtOnce(calls)
  if (most.count <= streams) return refused
  return [
    ...refused,
    { invariant: 'limits', problem: 'more calls were under way at once than there are streams', evidence: { ...most, streams } },
  ]
}

function findMostAtOnce(calls: readonly BilledCall[]): { readonly count: number; readonly at: string | undefined } {
  const moments = calls
    .flatMap(({ time, duration_ms: durationMs }) => {
      const fromMs = Date.parse(time)
      const toMs = Math.max(fromMs + 1, fromMs + (durationMs ?? Number.POSITIVE_INFINITY) - CLOSING_MS)
      return [
        { ms: fromMs, change: 1 },
        { ms: toMs, change: -1 },
      ]
    })
    // What ends at a moment makes room for what begins then.
    .toSorted((a, b) => a.ms - b.ms || a.change - b.change)
  let most = { count: 0, at: undefined as string | undefined }
  let count = 0
  for (const { ms, change } of moments) {
    count += change
    if (count > most.count) most = { count, at: new Date(ms).toISOString() }
  }
  return most
}
