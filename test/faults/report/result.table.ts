import { isAsExpected, type FaultResult } from './fault.result.js'

/** One line for a terminal. */
export function describeResult(result: FaultResult): string {
  const { row, title, recoveryMs, budgetMs, repeats, records } = result
  const recovery = recoveryMs === undefined ? 'no recovery' : `recovered in ${recoveryMs} ms (of ${budgetMs})`
  return `${isAsExpected(result) ? 'ok  ' : 'FAIL'} ${row}: ${title}: ${recovery}, ${records ?? '?'} records, ${repeats ?? '?'} repeats, ${describeInvariants(result)}`
}

/** Markdown. */
export function makeTable(results: readonly FaultResult[]): string {
  const head = ['row', 'fault', 'recovery, ms', 'repeats', 'invariants', 'tree', 'seed', 'date']
  const lines = results.map((result) => [
    result.row,
    result.title,
    result.recoveryMs === undefined ? 'none' : `${result.recoveryMs} (of ${result.budgetMs})`,
    String(result.repeats ?? '?'),
    describeInvariants(result),
    result.tree.slice(0, 10),
    String(result.seed),
    result.date.slice(0, 10),
  ])
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function describeInvariants({ broken, knownToFail }: FaultResult): string {
  const held = broken.length === 0 ? 'all hold' : `broken: ${broken.join(', ')}`
  return knownToFail === undefined ? held : `${held} (known: ${knownToFail})`
}
