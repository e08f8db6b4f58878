import type { Violation } from '../invariants/violation.js'

export interface MovingSources {
  /** When each result was read, in ms of the wall clock. */
  readonly resultsAtMs: readonly number[]
  readonly fedFromMs: number
  /** When the last record had been sent. */
  readonly fedUntilMs: number
  readonly faultFromMs: number
  readonly faultToMs: number
}

/** Of the rate before; most of the tasks need nothing of what is broken. */
const SHARE = 0.5
/** What is less says nothing about a rate. */
const MIN_MS = 2_000

/** I19: while the fault lasts and records come, tasks that it does not touch go on. It must be told: a run that is too short for it fails. */
export function checkMoving({ resultsAtMs, fedFromMs, fedUntilMs, faultFromMs, faultToMs }: MovingSources): Violation[] {
  const toMs = Math.min(faultToMs, fedUntilMs)
  const [beforeMs, duringMs] = [faultFromMs - fedFromMs, toMs - faultFromMs]
  const evidence = { beforeMs, duringMs }
  if (beforeMs < MIN_MS || duringMs < MIN_MS)
    return [{ invariant: 'I19', problem: 'the run was too short to see whether other tasks went on', evidence }]
  const countBetween = (from: number, to: number) => resultsAtMs.filter((at) => at >= from && at < to).length
  const [before, during] = [countBetween(fedFromMs, faultFromMs), countBetween(faultFromMs, toMs)]
  if (during > 0 && during / duringMs >= (SHARE * before) / beforeMs) return []
  return [{ invariant: 'I19', problem: 'tasks that the fault does not touch did not go on', evidence: { ...evidence, before, during } }]
}
