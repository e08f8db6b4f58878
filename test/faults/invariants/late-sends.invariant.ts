import type { Evidence } from './evidence.js'
import { runOf } from './ledger.snapshot.js'
import type { Violation } from './violation.js'

/**
 * What may lie between the opening of an attempt and its call's arrival at the provider. All clocks are this machine's; an answer of a
 * worker that had lost its lease may be stored just then, and no worker can know.
 */
const ON_THE_WAY_MS = 1_000

/**
 * I4: nothing is sent for a run after one of its answers was committed: no attempt is opened, by the ledger's clock, and no call arrives,
 * by the provider's. The second is a worker that goes on with what it opened long before.
 */
export function checkLateSends({ ledger, calls }: Evidence): Violation[] {
  const answers = Map.groupBy(ledger.answers, runOf)
  const byAttempt = Map.groupBy(calls, (call) => call.attempt_id)
  return ledger.attempts.flatMap((attempt): Violation[] => {
    const own = answers.get(runOf(attempt)) ?? []
    const before = own.filter(({ received_at: at }) => at < attempt.opened_at)
    if (before.length > 0) {
      return [{ invariant: 'I4', problem: 'a call was opened after the run had its answer', evidence: { attempt, before } }]
    }
    return (byAttempt.get(attempt.id) ?? []).flatMap((call) => {
      const stored = own.filter(({ received_at: at }) => Date.parse(call.time) - at.getTime() > ON_THE_WAY_MS)
      if (stored.length === 0) return []
      return [{ invariant: 'I4', problem: 'a call was sent after the run had its answer', evidence: { attempt, call, stored } }]
    })
  })
}
