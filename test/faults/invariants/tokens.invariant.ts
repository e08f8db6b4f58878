import type { Evidence } from './evidence.js'
import type { Violation } from './violation.js'

/** I18: what the ledger says a run has used is what the provider billed for an answer that the run received. */
export function checkTokens({ ledger, calls }: Evidence): Violation[] {
  const byAttempt = new Map(calls.map((call) => [call.attempt_id, call]))
  const answers = Map.groupBy(ledger.answers, ({ task_number: task, run }) => `${task}/${run}`)
  return ledger.runs
    .filter(({ prompt_tokens: tokens }) => tokens !== null)
    .flatMap((run) => {
      const billed = (answers.get(`${run.task_number}/${run.run}`) ?? []).map(({ attempt_id: id }) => byAttempt.get(id))
      const matches = billed.some((call) => call?.prompt_tokens === run.prompt_tokens && call.completion_tokens === run.completion_tokens)
      if (matches) return []
      const { task_id: taskId, prompt_tokens: prompt, completion_tokens: completion } = run
      return [{ invariant: 'I18', problem: 'a run books other tokens than were billed', evidence: { taskId, prompt, completion, billed } }]
    })
}
