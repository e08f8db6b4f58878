import type { Evidence } from './evidence.js'
import type { Violation } from './violation.js'

/** Put into every prompt of a fault test: it comes back in every answer. */
export const CANARY = 'CANARY-5d1f'

/** I16: neither prompts nor answers nor secrets are in the logs. */
export function checkSecrets({ log }: Pick<Evidence, 'log'>): Violation[] {
  return log
    .split('\n')
    .filter((line) => line.includes(CANARY))
    .map((line) => ({ invariant: 'I16', problem: 'a prompt or an answer is in the log', evidence: line.slice(0, 500) }))
}
