import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { ServiceRig } from '#tools/rig'
import { readInterruption, whenDisconnected, type CaughtSteps } from '../faults/interruption.js'
import { checkInvariants } from '../faults/invariants/check-invariants.js'
import { collectEvidence } from '../faults/invariants/evidence.js'
import { ProducerJournal } from '../faults/invariants/journal.js'
import { watchEnds } from '../faults/invariants/ledger.snapshot.js'
import type { Violation } from '../faults/invariants/violation.js'
import { OffsetWatch } from '../faults/offset.watch.js'
import { whenQuiet } from '../faults/quiet.js'
import { SeededRandom } from '../faults/seeded-random.js'
import { TaskMix } from '../faults/task.mix.js'
import { SHORT_DEFERRALS } from '../harness/short-deferrals.js'

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
  // A killed member that comes back under its own name is let in at once; another would wait for its session to end.
  KAFKA_GROUP_INSTANCE_ID: 'crash',
} as const

/** The simulator's: calls that last long enough to be caught in every step. */
export const CRASH_SIMULATOR = { latency: { kind: 'uniform', minMs: 20, maxMs: 400 }, streams: { GIGACHAT_API_CORP: STREAMS } } as const

export interface CrashOptions {
  readonly kills: number
  readonly seed: number
  readonly recordsPerKill?: number
  readonly onKill?: (kill: number, caught: CaughtSteps) => void
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
 * Kills a worker again and again at moments that the seed gives, while tasks of all shapes run, and at the end checks every invariant
 * from the ledger, the producer's acknowledgements, the result topics and the provider's bill together.
 */
export async function runCrashes(rig: ServiceRig, { kills, seed, recordsPerKill = 100, onKill }: CrashOptions): Promise<CrashReport> {
  const random = new SeededRandom(seed)
  const journal = new ProducerJournal(rig.producer)
  const mix = new TaskMix({ rig, random, largeAnswerBytes: 2 * INLINE_ANSWER_BYTES })
  const offsets = new OffsetWatch(rig, journal)
  const interrupted = new Set<string>()
  const caughtIn: Record<string, number> = { starting: 0, preparing: 0, sending: 0, answered: 0, unpublished: 0 }
  const violations: Violation[] = []
  await prepareSchema(rig)
  for (let kill = 1; kill <= kills; kill++) {
    await journal.send(await mix.make(recordsPerKill))
    if (await killOnce(rig, random)) caughtIn.starting!++
    const caught = await readInterruption(rig)
    caught.sending.forEach((id) => interrupted.add(id))
    for (const [step, value] of Object.entries(caught)) if ((Array.isArray(value) ? value.length : value) > 0) caughtIn[step]!++
    violations.push(...(await offsets.check()))
    onKill?.(kill, caught)
  }
  const last = await rig.startWorker()
  await whenQuiet(rig, journal, 120_000)
  const exit = await last.stop()
  if (exit.code !== 0) violations.push({ invariant: 'I6', problem: 'a clean stop did not exit with 0', evidence: exit })
  await whenDisconnected(rig)
  const log = await readFile(rig.logFile, 'utf8')
  const evidence = await collectEvidence(rig, { acked: journal.acked, interrupted, log })
  violations.push(...checkInvariants(evidence))
  return {
    seed,
    kills,
    tasks: journal.taskIds.size,
    rejections: journal.rejections,
    calls: evidence.calls.length,
    interrupted: interrupted.size,
    kinds: caughtIn,
    violations,
  }
}

/** One worker brings the schema, so that changes of terminal records can be watched from the first kill on. */
async function prepareSchema(rig: ServiceRig): Promise<void> {
  const first = await rig.startWorker()
  await first.stop()
  await watchEnds(rig.ledger)
}

/** true when the kill came before the worker was ready. */
async function killOnce(rig: ServiceRig, random: SeededRandom): Promise<boolean> {
  const worker = await rig.launchWorker()
  const whileStarting = random.next() < 0.1
  if (whileStarting) await delay(random.between(50, 1_000))
  else {
    await worker.whenReady()
    // Most workers die young; the others live long enough to take over what their predecessor held.
    await delay(random.next() < 0.7 ? random.between(0, 1_200) : random.between(1_200, 4_000))
  }
  await worker.kill()
  return whileStarting
}
