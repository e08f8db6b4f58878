import { isAsExpected, type FaultResult } from './fault.result.js'
import type { BarLine } from './bars.report.js'
import type { ReportLine, RowState } from './matrix.report.js'

/** One line for a terminal. */
export function describeResult(result: FaultResult): string {
  const { row, title, figures, recoveryMs, budgetMs, repeats, records } = result
  const isAsItMust = isAsExpected(result) ? 'ok  ' : 'FAIL'
  if (figures !== undefined) return `${isAsItMust} ${row}: ${figures}${result.broken.length > 0 ? `: ${result.broken.join(', ')}` : ''}`
  const recovery = recoveryMs === undefined ? 'no recovery' : `recovered in ${recoveryMs} ms (of ${budgetMs})`
  return `${isAsItMust} ${row}: ${title}: ${recovery}, ${records ?? '?'} records, ${repeats ?? '?'} repeats, ${describeInvariants(result)}`
}

/** Markdown, and below it how many rows are in which state. */
export function makeTable(lines: readonly ReportLine[]): string {
  const head = ['row', 'fault', 'state', 'recovery, ms', 'repeats', 'invariants', 'tree', 'seed', 'date']
  return `${joinRows([head, ...lines.map(makeCells)])}\n\n${countStates(lines)}`
}

/** Markdown, as above. */
export function makeBarsTable(lines: readonly BarLine[]): string {
  const head = ['bar', 'what is measured', 'limit', 'state', 'figures', 'tree', 'seed', 'date']
  const rows = lines.map(({ bar, state, seed, result }) => [
    bar.id,
    bar.title,
    bar.limit,
    describeState(state, result),
    result?.figures ?? '',
    result?.tree.slice(0, 10) ?? '',
    String(seed),
    result?.date.slice(0, 10) ?? '',
  ])
  return `${joinRows([head, ...rows])}\n\n${countStates(lines)}`
}

function joinRows([head = [], ...rows]: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function countStates(lines: readonly Pick<ReportLine, 'state'>[]): string {
  return [...Map.groupBy(lines, ({ state }) => state)].map(([state, group]) => `${group.length} ${state}`).join(', ')
}

function makeCells({ row, title, state, seed, result, remark }: ReportLine): string[] {
  const recovery = result?.recoveryMs === undefined ? '' : `${result.recoveryMs} (of ${result.budgetMs})`
  return [
    row,
    remark === undefined ? title : `${title} (open: ${remark})`,
    describeState(state, result),
    recovery,
    result?.test === undefined ? String(result?.repeats ?? '') : '',
    result ? describeInvariants(result) : '',
    result?.tree.slice(0, 10) ?? '',
    String(seed ?? ''),
    result?.date.slice(0, 10) ?? '',
  ]
}

/** A result that came only when it was tried again says so. */
function describeState(state: RowState, result: FaultResult | undefined): string {
  return result?.failedBefore === undefined ? state : `${state}, failed ${result.failedBefore} times before`
}

function describeInvariants({ broken, knownToFail }: FaultResult): string {
  const held = broken.length === 0 ? 'all hold' : `broken: ${broken.join(', ')}`
  return knownToFail === undefined ? held : `${held} (known: ${knownToFail})`
}
