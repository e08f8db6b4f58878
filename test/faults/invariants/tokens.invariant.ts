import type { Evidence } from './evidence.js'
import { runOf } from './ledger.snapshot.js'
import type { Violation } from './violation.js'

/**
 * I18: what the ledger says a run has used is what the provider billed for an answer that the run received; a run that succeeded says so,
 * and where no call was bought in vain the sums of both books are the same.
 */
export function checkTokens(evidence: Evidence): Violation[] {
  return [...findUnbooked(evidence), ...findWrongRuns(evidence), ...findWrongSum(evidence)]
}

/** The simulator tells the usage of every answer that no fault has spoiled. */
function findUnbooked({ ledger, calls }: Evidence): Violation[] {
  const spoiled = new Set(calls.filter(({ fault }) => fault !== null).map(({ attempt_id: id }) => id))
  const answers = Map.groupBy(ledger.answers, runOf)
  return ledger.runs
    .filter((run) => run.outcome === 'succeeded' && run.prompt_tokens === null)
    .filter((run) => !answers.get(runOf(run))?.some(({ attempt_id: id }) => spoiled.has(id)))
    .map(({ task_id: taskId, run }) => ({ invariant: 'I18', problem: 'a run that succeeded books no tokens', evidence: { taskId, run } }))
}

function findWrongRuns({ ledger, calls }: Evidence): Violation[] {
  const byAttempt = new Map(calls.map((call) => [call.attempt_id, call]))
  const answers = Map.groupBy(ledger.answers, runOf)
  return ledger.runs
    .filter(({ prompt_tokens: tokens }) => tokens !== null)
    .flatMap((run) => {
      const billed = (answers.get(runOf(run)) ?? []).map(({ attempt_id: id }) => byAttempt.get(id))
      const matches = billed.some((call) => call?.prompt_tokens === run.prompt_tokens && call.completion_tokens === run.completion_tokens)
      if (matches) return []
      const { task_id: taskId, prompt_tokens: prompt, completion_tokens: completion } = run
      return [{ invariant: 'I18', problem: 'a run books other tokens than were billed', evidence: { taskId, prompt, completion, billed } }]
    })
}

/** Only where each paid call is the one answer of its run: what else was paid for is in no run. */
function findWrongSum({ ledger, calls }: Evidence): Violation[] {
  const paid = calls.filter((call) => call.paid)
  const answered = new Set(ledger.answers.map(({ attempt_id: id }) => id))
  const answeredRuns = new Set(ledger.answers.map(runOf))
  const isEachUsed = paid.every(({ attempt_id: id, fault }) => fault === null && id !== null && answered.has(id))
  if (!isEachUsed || answeredRuns.size !== ledger.answers.length) return []
  const billed = sum(paid.map(({ prompt_tokens: prompt, completion_tokens: completion }) => prompt + completion))
  const booked = sum(ledger.runs.map(({ prompt_tokens: prompt, completion_tokens: completion }) => (prompt ?? 0) + (completion ?? 0)))
  return booked === billed
    ? []
    : [{ invariant: 'I18', problem: 'the ledger books other tokens in all than the bill', evidence: { booked, billed } }]
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
