import { checkAnswers } from './answers.invariant.js'
import { checkBooks } from './books.invariant.js'
import { checkDeliveries } from './deliveries.invariant.js'
import { checkEvents } from './events.invariant.js'
import type { Evidence } from './evidence.js'
import { checkLateSends } from './late-sends.invariant.js'
import { checkLeases } from './leases.invariant.js'
import { checkLimits } from './limits.invariant.js'
import { checkOffsets } from './offsets.invariant.js'
import { checkOrdering } from './ordering.invariant.js'
import { checkPurchases } from './purchases.invariant.js'
import { checkRepeats } from './repeats.invariant.js'
import { checkSecrets } from './secrets.invariant.js'
import { checkStates } from './states.invariant.js'
import { checkTokens } from './tokens.invariant.js'
import type { Violation } from './violation.js'

/** What must hold after every fault, once all work is done. */
export function checkInvariants(evidence: Evidence): Violation[] {
  return [
    ...checkDeliveries(evidence),
    ...checkEvents(evidence),
    ...checkLateSends(evidence),
    ...checkPurchases(evidence),
    ...checkRepeats(evidence),
    ...checkLimits(evidence),
    ...checkStates(evidence),
    ...checkOffsets(evidence.acked, evidence.committed, evidence.ledger),
    ...checkOutbox(evidence),
    ...checkLeases(evidence),
    ...checkTokens(evidence),
    ...checkBooks(evidence),
    ...checkOrdering(evidence),
    ...checkAnswers(evidence),
    ...checkSecrets(evidence),
  ]
}

/** I9 */
function checkOutbox({ ledger }: Evidence): Violation[] {
  return ledger.outboxRows === 0 ? [] : [{ invariant: 'I9', problem: 'the outbox is not empty', evidence: ledger.outboxRows }]
}
