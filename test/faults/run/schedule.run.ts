import { readFile } from 'node:fs/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { ServiceRig, waitUntil } from '#tools/rig'
import { CRASH_ENV } from '../../crash/crash.run.js'
import { whenDisconnected } from '../interruption.js'
import { checkInvariants } from '../invariants/check-invariants.js'
import { collectEvidence, type Evidence } from '../invariants/evidence.js'
import { ProducerJournal } from '../invariants/journal.js'
import { watchEnds } from '../invariants/ledger.snapshot.js'
import type { Violation } from '../invariants/violation.js'
import { OffsetWatch } from '../offset.watch.js'
import { whenQuiet } from '../quiet.js'
import type { FaultScene } from '../scene/fault.scene.js'
import { injectFault } from '../scene/inject-fault.js'
import { ReadinessWatch } from '../scene/readiness.watch.js'
import { probeRecovery } from '../scene/recovery.probe.js'
import { TaskFeeder } from '../scene/task.feeder.js'
import { readVitals, type Vitals } from '../scene/worker.vitals.js'
import { WorkerCrew } from '../scene/worker.crew.js'
import type { Schedule, Step } from '../schedule/schedule.schema.js'
import { SeededRandom } from '../seeded-random.js'
import type { FaultStage } from '../stage/fault.stage.js'
import { TaskMix } from '../task.mix.js'
import { checkMoving } from './moving.check.js'
import { checkPools } from './pool.check.js'
import { describeStandstill } from './standstill.js'
import { checkThroughput } from './throughput.check.js'
import { checkVitals } from './vitals.check.js'
import { checkStep, type StepTimes } from './step.check.js'

const INLINE_ANSWER_BYTES = Number(CRASH_ENV.INLINE_ANSWER_BYTES)
const PROGRESS_LIMIT_MS = 180_000
const QUIET_LIMIT_MS = 180_000

export interface ScheduleReport {
  /** Of each step: from the end of the fault (or its start, as the step says) to the results of tasks that were sent then. */
  readonly recoveryMs: readonly number[]
  /** Records that were sent, and calls that were made. */
  readonly records: number
  readonly calls: number
  /** Calls that were paid for beyond the first of each run. */
  readonly repeats: number
  readonly violations: readonly Violation[]
  /** Of the workers. */
  readonly logFile: string
}

/**
 * Runs one schedule on a stage: tasks at an even pace, the faults at their marks, then a quiet period, a clean stop and all invariants. What
 * it knows comes from the producer's acknowledgements, the topics, the provider's bill and the ledger. Rejects when the work does not end.
 */
export async function runSchedule(stage: FaultStage, schedule: Schedule): Promise<ScheduleReport> {
  await stage.reset()
  const rig = await ServiceRig.create(stage.servers, {
    name: `fault-${schedule.row.toLowerCase()}`,
    logFolder: stage.logFolder,
    env: { ...CRASH_ENV, ...schedule.env },
    nodeFlags: schedule.nodeFlags,
    ...(schedule.steps.some(({ fault }) => fault === 'failpoints') && { workerMain: 'dist/test/faults/failpoints/worker.main.js' }),
  })
  try {
    return await play(stage, rig, schedule)
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${await describeStandstill(rig)}`, { cause: error })
  } finally {
    await rig.close().catch(() => undefined)
    await stage.reset()
  }
}

async function play(stage: FaultStage, rig: ServiceRig, schedule: Schedule): Promise<ScheduleReport> {
  const random = new SeededRandom(schedule.seed)
  const journal = new ProducerJournal(rig.producer)
  const mix = new TaskMix({ rig, random, largeAnswerBytes: 2 * INLINE_ANSWER_BYTES })
  const crew = new WorkerCrew(rig, { replicas: schedule.replicas, env: stage.proxiedEnv(rig), random })
  const ended = new AbortController()
  const feeder = new TaskFeeder({ mix, journal, tasks: schedule.tasks, perSecond: schedule.perSecond, signal: ended.signal })
  const scene: FaultScene = { stage, rig, crew, feeder, journal, random }
  for (const rule of schedule.rules) await rig.addFault(rule)
  await crew.start()
  await watchEnds(rig.ledger)
  const watch = new ReadinessWatch(crew)
  const offsets = new OffsetWatch(rig, journal)
  const violations: Violation[] = []
  const times: StepTimes[] = []
  const fedFromMs = Date.now()
  let fedUntilMs = fedFromMs
  const before: Vitals[] = []
  const ownLag = monitorEventLoopDelay()
  try {
    const fed = feeder.run().then(() => Date.now())
    fed.catch(() => undefined)
    for (const [index, step] of schedule.steps.entries()) {
      await whenDone(rig, step.at * schedule.tasks)
      if (index === 0) {
        before.push(...(await readVitals(crew.places)))
        ownLag.enable()
      }
      const played = await playStep(step, `${index + 1}`, scene)
      times.push(played)
      violations.push(...checkStep(schedule, played, watch), ...(await offsets.check()))
    }
    fedUntilMs = await fed
    await whenQuiet(rig, journal, QUIET_LIMIT_MS)
    if (crew.places.length < schedule.replicas)
      violations.push({ invariant: 'I14', problem: 'a worker is missing', evidence: crew.places.length })
    for (const worker of crew.places) await worker.whenReady()
    violations.push(...checkVitals(before, await readVitals(crew.places), ownLag.percentile(99) / 1e6))
    violations.push(...(await checkPools(crew.places)))
  } finally {
    ended.abort()
    watch.stop()
    ownLag.disable()
  }
  await crew.stop()
  const wrongExits = crew.exits.filter(({ code }) => code !== 0)
  if (wrongExits.length > 0) violations.push({ invariant: 'I6', problem: 'a clean stop did not exit with 0', evidence: wrongExits })
  await whenDisconnected(rig)
  const log = await readFile(rig.logFile, 'utf8')
  const interrupted = { none: new Set<string>(), killed: crew.interrupted, any: undefined }[schedule.maybePaid]
  const faults = times.map(({ startedAtMs: fromMs, endedAtMs: toMs }) => ({ fromMs, toMs }))
  const evidence = await collectEvidence(rig, { acked: journal.acked, log, faults, ...(interrupted && { interrupted }) })
  const resultsAtMs = evidence.results.map(({ receivedAtMs }) => receivedAtMs)
  const [faultAtMs, overAtMs] = [times[0]!.startedAtMs, times.at(-1)!.countedFromMs]
  violations.push(...checkInvariants(evidence), ...checkThroughput({ resultsAtMs, fedFromMs, faultAtMs, overAtMs }, schedule.throughput))
  if (schedule.others === 'move') {
    violations.push(...checkMoving({ resultsAtMs, fedFromMs, fedUntilMs, faultFromMs: faultAtMs, faultToMs: times[0]!.endedAtMs }))
  }
  return {
    recoveryMs: times.map(({ recoveredAtMs, countedFromMs }) => recoveredAtMs - countedFromMs),
    records: journal.acked.length,
    calls: evidence.calls.length,
    repeats: countRepeats(evidence),
    violations,
    logFile: rig.logFile,
  }
}

async function playStep(step: Step, name: string, scene: FaultScene): Promise<StepTimes> {
  const startedAtMs = Date.now()
  const undo = await injectFault(step, scene)
  const early = step.recoveryFrom === 'start' ? probeRecovery(scene, name) : undefined
  early?.catch(() => undefined)
  await delay(step.forMs)
  await undo()
  const endedAtMs = Date.now()
  const recoveredAtMs = await (early ?? probeRecovery(scene, name))
  return { startedAtMs, endedAtMs, countedFromMs: early ? startedAtMs : endedAtMs, recoveredAtMs }
}

/** Resolves when so many results and dead letters have been read. */
async function whenDone(rig: ServiceRig, count: number): Promise<void> {
  const [results, deadLetters] = await Promise.all([rig.results(), rig.deadLetters()])
  const ids = () => new Set([...results.events, ...deadLetters.events].map(({ value }) => value.event_id))
  await waitUntil(() => ids().size >= count, { what: `${count} tasks to be done`, timeoutMs: PROGRESS_LIMIT_MS })
}

function countRepeats({ ledger, calls }: Evidence): number {
  const paid = new Set(calls.filter((call) => call.paid).map(({ attempt_id: id }) => id))
  const runs = Map.groupBy(
    ledger.attempts.filter(({ id }) => paid.has(id)),
    ({ task_number: task, run }) => `${task}/${run}`,
  )
  return [...runs.values()].reduce((sum, attempts) => sum + attempts.length - 1, 0)
}
