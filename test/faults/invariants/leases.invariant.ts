import type { Evidence } from './evidence.js'
import type { Violation } from './violation.js'

/** Reapers look each second, and one that has just started waits first. */
const REAPED_WITHIN_MS = 20_000

/** I10: no lease is stuck: one that has expired is reaped, and whoever stops in order has given its own back. */
export function checkLeases({ ledger }: Evidence): Violation[] {
  return ledger.leases
    .filter(({ state }) => state === 'held')
    .flatMap((lease): Violation[] => {
      if (lease.expired_ms > REAPED_WITHIN_MS) {
        return [{ invariant: 'I10', problem: 'a lease has expired long ago and nobody has reaped it', evidence: lease }]
      }
      // One that has expired just now may be of a worker that was killed just before the last one stopped.
      const isKept = ledger.connections === 0 && lease.expired_ms < 0
      return isKept ? [{ invariant: 'I10', problem: 'all workers have stopped and a lease is held', evidence: lease }] : []
    })
}
