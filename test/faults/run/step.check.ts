import type { Violation } from '../invariants/violation.js'
import type { ReadinessWatch } from '../scene/readiness.watch.js'
import type { Schedule } from '../schedule/schedule.schema.js'

/** Moments of one step, in ms of the wall clock. */
export interface StepTimes {
  readonly startedAtMs: number
  readonly endedAtMs: number
  /** From here the recovery counts. */
  readonly countedFromMs: number
  readonly recoveredAtMs: number
}

/** I13: recovered within the row's budget. I14: readiness told the truth meanwhile. */
export function checkStep(schedule: Pick<Schedule, 'recoveryMs' | 'readiness'>, times: StepTimes, watch: ReadinessWatch): Violation[] {
  const violations: Violation[] = []
  const took = times.recoveredAtMs - times.countedFromMs
  if (took > schedule.recoveryMs)
    violations.push({ invariant: 'I13', problem: 'recovery took longer than its budget', evidence: { took, budget: schedule.recoveryMs } })
  const until = Math.max(times.endedAtMs, times.recoveredAtMs)
  const sawOff = watch.saw(503, times.startedAtMs, until)
  if (schedule.readiness === 'off' && !sawOff)
    violations.push({ invariant: 'I14', problem: 'no worker said that it was not ready', evidence: times })
  if (schedule.readiness === 'on' && sawOff)
    violations.push({ invariant: 'I14', problem: 'a worker said that it was not ready, and nothing kept it from working', evidence: times })
  return violations
}
