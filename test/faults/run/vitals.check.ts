import type { Violation } from '../invariants/violation.js'
import type { Vitals } from '../scene/worker.vitals.js'

const MAX_GROWTH = 1.25
const MAX_LAG_MS = 100

/**
 * I11: a worker that has lived through the faults has no more than 1.25 of the memory that it had before the first. I12: its event loop
 * was 100 ms late at most, in 99 of 100 looks since then. Of workers that came later only the second can be told. What the run's own event
 * loop was late in that time comes on top: a machine that is busy with something else is no fault of a worker.
 */
export function checkVitals(before: readonly Vitals[], after: readonly Vitals[], ownLagMs: number): Violation[] {
  const memory = new Map(before.map(({ pid, rssBytes }) => [pid, rssBytes]))
  return after.flatMap(({ pid, rssBytes, lagP99Ms }) => {
    const violations: Violation[] = []
    const most = MAX_GROWTH * (memory.get(pid) ?? Number.POSITIVE_INFINITY)
    // Written so that a number that is missing is a violation too.
    if (!(rssBytes <= most)) violations.push({ invariant: 'I11', problem: 'memory has grown', evidence: { pid, rssBytes, most } })
    if (!(lagP99Ms <= MAX_LAG_MS + ownLagMs))
      violations.push({ invariant: 'I12', problem: 'the event loop was late', evidence: { pid, lagP99Ms, ownLagMs } })
    return violations
  })
}
