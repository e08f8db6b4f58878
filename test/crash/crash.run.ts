import { readFile } from 'node:fs/promises'
import type { ServiceRig } from '#tools/rig'
import { whenDisconnected } from '../faults/interruption.js'
import { checkInvariants } from '../faults/invariants/check-invariants.js'
import { collectEvidence } from '../faults/invariants/evidence.js'
import { ProducerJournal } from '../faults/invariants/journal.js'
import { watchEnds } from '../faults/invariants/ledger.snapshot.js'
import type { Violation } from '../faults/invariants/violation.js'
import { whenQuiet } from '../faults/quiet.js'
import { SHORT_DEFERRALS } from '../harness/short-deferrals.js'
import { KillSeries, nameMember, type KillOptions } from './kill.series.js'

const INLINE_ANSWER_BYTES = 2_000
const STREAMS = 20

/** Settings of workers that die often: short leases, and no task is given up because of it. */
export const CRASH_ENV = {
  ...SHORT_DEFERRALS,
  TASK_TYPES_DIR: 'test/crash/task-types',
  LEASE_DURATION_MS: '2000',
  MAX_CRASHES: '100',
  MAX_MESSAGE_BYTES: '65536',
  INLINE_ANSWER_BYTES: String(INLINE_ANSWER_BYTES),
  LLM_MAX_STREAMS: String(STREAMS),
} as const

/** The simulator's: calls that last long enough to be caught in every step. */
export const CRASH_SIMULATOR = { latency: { kind: 'uniform', minMs: 20, maxMs: 400 }, streams: { GIGACHAT_API_CORP: STREAMS } } as const

export interface CrashOptions extends KillOptions {
  /** Workers at a time, each killed and replaced at moments of its own. */
  readonly replicas?: number
  /** For the last worker to do what is left. */
  readonly quietLimitMs?: number
}

export interface CrashReport {
  readonly seed: number
  readonly kills: number
  readonly tasks: number
  readonly rejections: number
  readonly calls: number
  /** Attempts that a kill interrupted: calls that may have been paid for twice. */
  readonly interrupted: number
  /** In how many kills each step was caught. */
  readonly kinds: Readonly<Record<string, number>>
  readonly violations: readonly Violation[]
}

/**
 * Kills workers again and again at moments that the seed gives, while tasks of all shapes run, and at the end checks every invariant
 * from the ledger, the producer's acknowledgements, the result topics and the provider's bill together.
 */
export async function runCrashes(rig: ServiceRig, options: CrashOptions): Promise<CrashReport> {
  const { kills, seed, replicas = 1, quietLimitMs = 120_000 } = options
  const journal = new ProducerJournal(rig.producer)
  const series = new KillSeries(rig, journal, options)
  await prepareSchema(rig)
  await Promise.all(Array.from({ length: replicas }, (_, place) => series.run(place)))
  const { violations, interrupted, kinds } = series
  const last = await rig.startWorker(nameMember(0))
  await whenQuiet(rig, journal, quietLimitMs)
  const exit = await last.stop()
  if (exit.code !== 0) violations.push({ invariant: 'I6', problem: 'a clean stop did not exit with 0', evidence: exit })
  await whenDisconnected(rig)
  const log = await readFile(rig.logFile, 'utf8')
  const evidence = await collectEvidence(rig, { acked: journal.acked, interrupted, log })
  violations.push(...checkInvariants(evidence))
  const tasks = journal.taskIds.size
  return {
    seed,
    kills,
    tasks,
    rejections: journal.rejections,
    calls: evidence.calls.length,
    interrupted: interrupted.size,
    kinds,
    violations,
  }
}

/** One worker brings the schema, so that changes of terminal records can be watched from the first kill on. */
async function prepareSchema(rig: ServiceRig): Promise<void> {
  const first = await rig.startWorker(nameMember(0))
  await first.stop()
  await watchEnds(rig.ledger)
}
