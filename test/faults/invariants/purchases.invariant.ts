import type { Evidence } from './evidence.js'
import type { Violation } from './violation.js'

/** I5: every call on the bill has its attempt row and every attempt at most one call, and each row says what became of its call. */
export function checkPurchases(evidence: Evidence): Violation[] {
  return [...findUnknownCalls(evidence), ...findWrongStates(evidence)]
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
        // Whether it had a reason: repeats.invariant.ts.
        break
    }
    if (interrupted?.has(attempt.id) && attempt.state !== 'maybe_paid' && attempt.state !== 'answered') {
      report('an attempt that was interrupted by a kill is not maybe_paid', attempt)
    }
  }
  return violations
}
