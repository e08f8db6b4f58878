import type { Violation } from '../invariants/violation.js'
import type { Schedule } from '../schedule/schedule.schema.js'

export interface ThroughputSources {
  /** When each result was read, in ms of the wall clock. */
  readonly resultsAtMs: readonly number[]
  readonly fedFromMs: number
  /** Of the first fault. */
  readonly faultAtMs: number
  /** From where recovery counts, for the last fault. */
  readonly overAtMs: number
}

const SHARE = 0.85
const LIMIT_MS = 60_000
const WINDOW_MS = 2_000
/** What is less says nothing about a rate. */
const MIN_BEFORE_MS = 2_000
const MIN_RESULTS = 40
/** Where less than so many times the due results are left, the work dries up before the rate can be seen. */
const MIN_LEFT = 3

/** `due` where the schedule is made so that it can be told: then it must be told. */
export type ThroughputDemand = Schedule['throughput']

/**
 * I13: within a minute of the last fault there are two seconds with at least 0.85 of the results that came in two seconds before the first.
 * Runs that are too short to tell, on either side, break nothing unless it is due.
 */
export function checkThroughput({ resultsAtMs, fedFromMs, faultAtMs, overAtMs }: ThroughputSources, demand: ThroughputDemand): Violation[] {
  const before = resultsAtMs.filter((at) => at >= fedFromMs && at < faultAtMs)
  const after = resultsAtMs.filter((at) => at >= overAtMs).toSorted((a, b) => a - b)
  const beforeMs = faultAtMs - fedFromMs
  const due = Math.ceil((SHARE * before.length * WINDOW_MS) / beforeMs)
  if (beforeMs < MIN_BEFORE_MS || before.length < MIN_RESULTS || after.length < MIN_LEFT * due) {
    if (demand === 'where_seen') return []
    const evidence = { beforeMs, before: before.length, after: after.length, needed: MIN_LEFT * due }
    return [{ invariant: 'I13', problem: 'the run was too short to see whether throughput came back', evidence }]
  }
  const isBack = after.some((at, index) => at - overAtMs <= LIMIT_MS - WINDOW_MS && (after[index + due - 1] ?? Infinity) - at <= WINDOW_MS)
  if (isBack) return []
  const evidence = { due, per: WINDOW_MS, after: after.map((at) => at - overAtMs) }
  return [{ invariant: 'I13', problem: 'throughput was not back within a minute', evidence }]
}
