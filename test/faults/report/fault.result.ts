import type { ScheduleReport } from '../run/schedule.run.js'
import type { Schedule } from '../schedule/schedule.schema.js'

/** What became of one schedule, or of one part of a measurement, on one state of the sources. */
export interface FaultResult {
  readonly row: string
  readonly title: string
  readonly seed: number
  /** Of a row that a test of another suite shows: its file and name. */
  readonly test?: string
  /** Of a measurement: what was found. */
  readonly figures?: string
  /** Git's hash of what the result depends on, as it lay in the working tree. */
  readonly tree: string
  /** ISO 8601. */
  readonly date: string
  /** The longest of its steps; undefined where the run did not come so far. */
  readonly recoveryMs?: number
  readonly budgetMs?: number
  readonly records?: number
  readonly repeats?: number
  /** Invariants that were broken, each once; empty where all hold. */
  readonly broken: readonly string[]
  /** The reason, where the schedule is known to fail. */
  readonly knownToFail?: string
  /** How often it has failed before on the same sources. */
  readonly failedBefore?: number
}

export function makeResult(schedule: Schedule, run: ScheduleReport | Error, place: Pick<FaultResult, 'tree' | 'date'>): FaultResult {
  const { row, title, seed, recoveryMs: budgetMs, knownToFail } = schedule
  const facts = { row, title, seed, budgetMs, ...place, ...(knownToFail !== undefined && { knownToFail }) }
  if (run instanceof Error) return { ...facts, broken: ['end'] }
  const { recoveryMs, records, repeats, violations } = run
  const broken = [...new Set(violations.map(({ invariant }) => invariant))]
  return { ...facts, recoveryMs: Math.max(...recoveryMs), records, repeats, broken }
}

/** A schedule that is known to fail must fail: who mends it takes the mark away. */
export function isAsExpected({ broken, knownToFail }: FaultResult): boolean {
  return (broken.length === 0) === (knownToFail === undefined)
}
