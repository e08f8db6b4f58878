import type { Evidence } from './evidence.js'
import type { Violation } from './violation.js'

/** Put into every prompt of a fault test: it comes back in every answer. */
export const CANARY = 'CANARY-5d1f'

/** An access token is nothing that a test knows beforehand; in a header it looks like this. */
const BEARER = /\b(?:Bearer|Basic) +[\w.~+/=-]{16,}/i
/** As the simulator's: no other text in a log is so long without a break. */
const TOKEN = /[\w-]{400,}/

/** I16: neither prompts nor answers nor secrets are in the logs, in metrics, or in what health tells. */
export function checkSecrets({ log, pages, secrets }: Pick<Evidence, 'log' | 'pages' | 'secrets'>): Violation[] {
  return [log, ...pages]
    .flatMap((text) => text.split('\n'))
    .flatMap((line) => {
      const violations: Violation[] = []
      const report = (problem: string, evidence: string) => violations.push({ invariant: 'I16', problem, evidence })
      if (line.includes(CANARY)) report('a prompt or an answer is in the log', line.slice(0, 500))
      // The report of a test is a log too: it names the secret, and shows nothing of the line.
      for (const [name, secret] of secrets) if (line.includes(secret)) report('a secret is in the log', name)
      if (BEARER.test(line) || TOKEN.test(line)) report('a token is in the log', line.slice(0, 60))
      return violations
    })
}
