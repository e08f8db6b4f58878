import type { MatrixRow, Proof } from '../matrix/fault.matrix.js'
import type { Schedule } from '../schedule/schedule.schema.js'
import { isAsExpected, type FaultResult } from './fault.result.js'

/** `stale`: of other sources than these. `open`: nothing shows it, and the matrix says why. */
export type RowState = 'holds' | 'broken' | 'stale' | 'missing' | 'open'

export interface ReportLine {
  readonly row: string
  readonly title: string
  readonly state: RowState
  /** Of a schedule. */
  readonly seed?: number
  readonly result?: FaultResult
  /** Where it is `open`, or shown in part. */
  readonly remark?: string
}

export interface ReportSources {
  readonly matrix: readonly MatrixRow[]
  readonly schedules: readonly Schedule[]
  readonly tree: string
  readonly find: (key: Pick<FaultResult, 'row' | 'seed' | 'test'>) => FaultResult | undefined
}

/** Results of tests have no seed of their own. */
export const NO_SEED = 0

/** The whole matrix, row by row: what was run of it on these sources, and what came of it. */
export function makeReport({ matrix, schedules, tree, find }: ReportSources): ReportLine[] {
  return matrix.flatMap((row): ReportLine[] => {
    const own = schedules.filter((schedule) => belongsTo(schedule.row, row))
    const remark = row.open !== undefined && { remark: row.open }
    const played = own.map((schedule): ReportLine => {
      const result = find({ row: schedule.row, seed: schedule.seed })
      return {
        row: schedule.row,
        title: schedule.title,
        seed: schedule.seed,
        state: judge(result, tree),
        ...(result && { result }),
        ...remark,
      }
    })
    const proven = (row.proofs ?? []).map((proof): ReportLine => {
      const test = nameProof(proof)
      const result = find({ row: row.id, seed: NO_SEED, test })
      return { row: row.id, title: `${row.fault}: ${test}`, state: judge(result, tree), ...(result && { result }), ...remark }
    })
    const lines = [...played, ...proven]
    return lines.length > 0 ? lines : [{ row: row.id, title: row.fault, state: row.open === undefined ? 'missing' : 'open', ...remark }]
  })
}

/** `A1` has the schedules `A1`, `A1b`, ... */
export function belongsTo(row: string, { id }: Pick<MatrixRow, 'id'>): boolean {
  return row.replace(/[a-z]$/, '') === id
}

export function nameProof({ file, name }: Proof): string {
  return `${file} > ${name}`
}

/** A report that says this cannot be relied on. */
export function isLacking({ state }: Pick<ReportLine, 'state'>): boolean {
  return state === 'missing' || state === 'stale' || state === 'broken'
}

export function judge(result: FaultResult | undefined, tree: string): RowState {
  if (!result) return 'missing'
  if (result.tree !== tree) return 'stale'
  return isAsExpected(result) ? 'holds' : 'broken'
}
