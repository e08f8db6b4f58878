import type { Evidence } from './evidence.js'
import type { AttemptRow } from './ledger.snapshot.js'
import type { Violation } from './violation.js'

/**
 * I4: nothing is sent for a run after one of its answers was committed. I5: every call on the bill has its attempt row and every attempt
 * at most one call; a run is paid once, and once more for each attempt that may have been paid for, which are those that were in
 * `sending` when a worker was killed.
 */
export function checkPurchases(evidence: Evidence): Violation[] {
  return [...findLateSends(evidence), ...findUnknownCalls(evidence), ...findWrongStates(evidence), ...findRepeats(evidence)]
}

function findLateSends({ ledger }: Evidence): Violation[] {
  const answers = Map.groupBy(ledger.answers, runOf)
  return ledger.attempts.flatMap((attempt) => {
    const before = answers.get(runOf(attempt))?.filter(({ received_at: at }) => at < attempt.opened_at) ?? []
    if (before.length === 0) return []
    return [{ invariant: 'I4', problem: 'a call was opened after the run had its answer', evidence: { attempt, before } }]
  })
}

function findUnknownCalls({ ledger, calls }: Evidence): Violation[] {
  const attempts = new Set(ledger.attempts.map(({ id }) => id))
  const violations = calls
    .filter(({ attempt_id: id }) => id === null || !attempts.has(id))
    .map((call): Violation => ({ invariant: 'I5', problem: 'a call has no attempt row', evidence: call }))
  for (const [id, group] of Map.groupBy(calls, (call) => call.attempt_id)) {
    if (group.length > 1) violations.push({ invariant: 'I5', problem: 'an attempt was sent more than once', evidence: { id, group } })
  }
  return violations
}

function findWrongStates({ ledger, calls, interrupted }: Evidence): Violation[] {
  const violations: Violation[] = []
  const report = (problem: string, evidence: unknown) => violations.push({ invariant: 'I5', problem, evidence })
  const byAttempt = new Map(calls.map((call) => [call.attempt_id, call]))
  const answered = new Set(ledger.answers.map(({ attempt_id }) => attempt_id))
  for (const attempt of ledger.attempts) {
    const call = byAttempt.get(attempt.id)
    switch (attempt.state) {
      case 'sending':
        report('an attempt is open for ever', attempt)
        break
      case 'not_sent':
        if (call) report('a call was made for an attempt that says not_sent', { attempt, call })
        break
      case 'refused':
        if (call?.paid && call.status < 400) report('a paid call is written down as refused', { attempt, call })
        break
      case 'answered':
        if (!answered.has(attempt.id) && attempt.error_code !== 'answer_too_large') report('an answered attempt has no answer', attempt)
        if (!call?.paid) report('an answered attempt was never billed', { attempt, call })
        break
      case 'maybe_paid':
        if (interrupted && !interrupted.has(attempt.id)) report('an attempt that no kill interrupted is maybe_paid', attempt)
        break
    }
    if (interrupted?.has(attempt.id) && attempt.state !== 'maybe_paid' && attempt.state !== 'answered') {
      report('an attempt that was interrupted by a kill is not maybe_paid', attempt)
    }
  }
  return violations
}

function findRepeats({ ledger, calls }: Evidence): Violation[] {
  const paid = new Set(calls.filter((call) => call.paid).map(({ attempt_id: id }) => id))
  return [...Map.groupBy(ledger.attempts, runOf).values()].flatMap((attempts) => {
    const bought = attempts.filter(({ id }) => paid.has(id)).length
    const allowed = 1 + attempts.filter(wasMaybePaid).length
    return bought <= allowed ? [] : [{ invariant: 'I5', problem: 'a run was paid for too often', evidence: { bought, allowed, attempts } }]
  })
}

/** An answer that came after its worker had lost the lease is kept, but the next attempt had to be opened without it (else I4 is broken). */
function wasMaybePaid({ state, error_code: code }: AttemptRow): boolean {
  return state === 'maybe_paid' || (state === 'answered' && code === 'lease_lost')
}

function runOf({ task_number: task, run }: { task_number: number; run: number }): string {
  return `${task}/${run}`
}
