import type { Evidence } from './evidence.js'
import type { Violation } from './violation.js'

const ENDS = ['succeeded', 'failed', 'cancelled', 'expired']
const OPENED = /\{event="(?:accepted|redriven)"\}/
const ENDED = new RegExp(`\\{event="(?:${ENDS.join('|')})"\\}`)
const ANY = /\{/

/** I15: the metrics add up, also after workers have died: what was opened has ended or is in hand, and as many as the ledger has. */
export function checkBooks({ ledger, pages }: Pick<Evidence, 'ledger' | 'pages'>): Violation[] {
  const violations: Violation[] = []
  const report = (problem: string, evidence: unknown) => violations.push({ invariant: 'I15', problem, evidence })
  const counted = new Map([
    ['accepted', ledger.tasks.length],
    ['rejected', ledger.rejections.length],
    ...ENDS.map((end) => [end, ledger.runs.filter(({ outcome }) => outcome === end).length] as const),
  ])
  for (const [event, amount] of counted) {
    const booked = ledger.books.get(event) ?? 0
    if (booked !== amount) report('the books of the ledger are wrong', { event, booked, counted: amount })
  }
  for (const page of pages.filter((text) => text.includes('sluice_ledger_runs{'))) {
    const [opened, ended, inHand] = [
      sum(page, 'sluice_ledger_runs', OPENED),
      sum(page, 'sluice_ledger_runs', ENDED),
      sum(page, 'sluice_ledger_tasks', ANY),
    ]
    if (opened !== ended + inHand) report('the metrics do not add up', { opened, ended, inHand })
  }
  return violations
}

function sum(page: string, name: string, labels: RegExp): number {
  const lines = page.split('\n').filter((line) => line.startsWith(`${name}{`) && labels.test(line))
  return lines.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0)
}
