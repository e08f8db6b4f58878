import type { Evidence } from './evidence.js'
import type { Violation } from './violation.js'

/** Reapers look each second, and one that has just started waits first. */
const REAPED_WITHIN_MS = 20_000

/** I10: no lease is stuck: one that has expired is reaped, and whoever stops in order has given its own back. */
export function checkLeases({ ledger }: Evidence): Violation[] {
  const held = ledger.leases.filter(({ state }) => state === 'held')
  const stuck = held
    .filter(({ expired_ms: expiredMs }) => expiredMs > REAPED_WITHIN_MS && ledger.connections > 0)
    .map((lease): Violation => ({ invariant: 'I10', problem: 'a lease has expired long ago and nobody has reaped it', evidence: lease }))
  const kept = held
    .filter(() => ledger.connections === 0)
    .map((lease): Violation => ({ invariant: 'I10', problem: 'all workers have stopped and a lease is held', evidence: lease }))
  return [...stuck, ...kept]
}
