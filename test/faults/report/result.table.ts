import { isAsExpected, type FaultResult } from './fault.result.js'
import type { ReportLine } from './matrix.report.js'

/** One line for a terminal. */
export function describeResult(result: FaultResult): string {
  const { row, title, recoveryMs, budgetMs, repeats, records } = result
  const recovery = recoveryMs === undefined ? 'no recovery' : `recovered in ${recoveryMs} ms (of ${budgetMs})`
  return `${isAsExpected(result) ? 'ok  ' : 'FAIL'} ${row}: ${title}: ${recovery}, ${records ?? '?'} records, ${repeats ?? '?'} repeats, ${describeInvariants(result)}`
}

/** Markdown, and below it how many rows are in which state. */
export function makeTable(lines: readonly ReportLine[]): string {
  const head = ['row', 'fault', 'state', 'recovery, ms', 'repeats', 'invariants', 'tree', 'seed', 'date']
  const table = [head, head.map(() => '---'), ...lines.map(makeCells)].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  const counts = [...Map.groupBy(lines, ({ state }) => state)].map(([state, group]) => `${group.length} ${state}`)
  return `${table}\n\n${counts.join(', ')}`
}

function makeCells({ row, title, state, seed, result, remark }: ReportLine): string[] {
  const recovery = result?.recoveryMs === undefined ? '' : `${result.recoveryMs} (of ${result.budgetMs})`
  return [
    row,
    remark === undefined ? title : `${title} (open: ${remark})`,
    state,
    recovery,
    result?.test === undefined ? String(result?.repeats ?? '') : '',
    result ? describeInvariants(result) : '',
    result?.tree.slice(0, 10) ?? '',
    String(seed ?? ''),
    result?.date.slice(0, 10) ?? '',
  ]
}

function describeInvariants({ broken, knownToFail }: FaultResult): string {
  const held = broken.length === 0 ? 'all hold' : `broken: ${broken.join(', ')}`
  return knownToFail === undefined ? held : `${held} (known: ${knownToFail})`
}
