import type { BilledCall } from '#tools/rig'
import type { Evidence } from './evidence.js'
import { runOf, type AttemptRow } from './ledger.snapshot.js'
import type { Violation } from './violation.js'

/** A fault is there a moment before and after it is noted, and a connection that it broke is found dead at its next use. */
const AROUND_A_FAULT_MS = 1_000

/**
 * I5: a run is paid for once, and once more for each of its calls that may have been paid for: no more of them than its type allows, and
 * each for a reason that the run of the test knows: its worker was killed meanwhile, or the provider broke it off, or it was under way
 * while a fault was at work.
 */
export function checkRepeats(evidence: Evidence): Violation[] {
  const { ledger, calls, mostRepeats } = evidence
  const byAttempt = new Map(calls.map((call) => [call.attempt_id, call]))
  const types = new Map(ledger.tasks.map(({ id, type }) => [id, type]))
  return [...Map.groupBy(ledger.attempts, runOf).values()].flatMap((attempts) => {
    const violations: Violation[] = []
    const report = (problem: string, found: unknown) => violations.push({ invariant: 'I5', problem, evidence: found })
    const unclear = attempts.filter(wasMaybePaid)
    const excused = unclear.filter((attempt) => hadReason(attempt, byAttempt.get(attempt.id), evidence))
    for (const attempt of unclear) {
      if (!excused.includes(attempt)) report('an attempt is maybe_paid for no reason', { attempt, call: byAttempt.get(attempt.id) })
    }
    const most = mostRepeats.get(types.get(attempts[0]!.task_number) ?? '') ?? 0
    if (unclear.length > most + 1) report('a run may have been paid for more often than its type allows', { most, attempts })
    const bought = attempts.filter(({ id }) => byAttempt.get(id)?.paid).length
    const allowed = 1 + Math.min(most, excused.length)
    if (bought > allowed) report('a run was paid for too often', { bought, allowed, attempts })
    return violations
  })
}

/** An answer that came after its worker had lost the lease is kept, but the next attempt had to be opened without it (else I4 is broken). */
function wasMaybePaid({ state, error_code: code }: AttemptRow): boolean {
  return state === 'maybe_paid' || (state === 'answered' && code === 'lease_lost')
}

function hadReason({ id, opened_at: openedAt }: AttemptRow, call: BilledCall | undefined, { interrupted, faults }: Evidence): boolean {
  if (interrupted) return interrupted.has(id)
  if (call?.outcome === 'broken') return true
  const endMs = call ? Date.parse(call.time) + (call.duration_ms ?? 0) : openedAt.getTime()
  return faults.some(({ fromMs, toMs }) => openedAt.getTime() <= toMs + AROUND_A_FAULT_MS && endMs >= fromMs - AROUND_A_FAULT_MS)
}
