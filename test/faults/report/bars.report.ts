import type { Bar } from '../bars/bar.js'
import type { FaultResult } from './fault.result.js'
import { judge, type ReportSources, type RowState } from './matrix.report.js'

/** One part of one measurement. */
export interface BarLine {
  readonly bar: Pick<Bar, 'id' | 'title' | 'limit'>
  readonly seed: number
  readonly state: RowState
  readonly result?: FaultResult
}

/** What was measured on these sources, and what is missing or of others. */
export function makeBarsReport(bars: readonly Omit<Bar, 'measure'>[], { tree, find }: Pick<ReportSources, 'tree' | 'find'>): BarLine[] {
  return bars.flatMap(({ seeds, ...bar }) =>
    seeds.map((seed): BarLine => {
      const result = find({ row: bar.id, seed })
      return { bar, seed, state: judge(result, tree), ...(result && { result }) }
    }),
  )
}
