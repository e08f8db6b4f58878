import type { Evidence } from './evidence.js'
import type { Violation } from './violation.js'

/** I7: when all is done nothing is left in the queue, whoever held it, and the attempts of a run are numbered without gaps. */
export function checkStates({ ledger }: Evidence): Violation[] {
  const left = ledger.queue
    .filter(({ state }) => state !== 'held')
    .map((row): Violation => {
      const lost = row.state === 'running' && row.lease_state !== 'held'
      return { invariant: 'I7', problem: lost ? 'a task runs under a dead lease' : 'a task did not end', evidence: row }
    })
  const ended = new Set(ledger.runs.map(({ task_number: task }) => task))
  const both = ledger.queue
    .filter(({ id }) => ended.has(id))
    .map((row) => ({ invariant: 'I7', problem: 'a task has ended and is still in the queue', evidence: row }))
  const gaps = [...Map.groupBy(ledger.attempts, (attempt) => `${attempt.task_number}/${attempt.run}`).values()]
    .filter((attempts) => attempts.some(({ number }, index) => number !== index + 1))
    .map((attempts) => ({ invariant: 'I7', problem: 'the attempts of a run have gaps', evidence: attempts }))
  return [...left, ...both, ...gaps]
}
