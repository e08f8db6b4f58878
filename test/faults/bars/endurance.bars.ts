import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { ServiceRig, WorkerProcess } from '#tools/rig'
import { CRASH_ENV } from '../../crash/crash.run.js'
import { ProducerJournal } from '../invariants/journal.js'
import { TaskFeeder } from '../scene/task.feeder.js'
import { SeededRandom } from '../seeded-random.js'
import type { FaultStage } from '../stage/fault.stage.js'
import { TaskMix } from '../task.mix.js'
import { makeIds, sendPrompts, startWorkers, withBarRig } from './bar.rig.js'
import { percent, unless, type Bar } from './bar.js'

const MINUTE_MS = 60_000
const STREAMS = 20
const CALL_MS = 200
const MAX_TASKS_PER_MINUTE = (STREAMS / CALL_MS) * MINUTE_MS

/** One fault a minute: each begins at a full minute, and what is left of the minute is for the recovery. */
export const THROUGHPUT: Bar = {
  id: 'B9',
  title: `2 replicas, calls of ${CALL_MS} ms, one fault a minute: PostgreSQL reset for 2 s, a replica killed, PostgreSQL killed, Kafka reset for 2 s, the provider away for 3 s`,
  limit: 'at least 0.85 of the results of the calm minutes before',
  seeds: [7901],
  measure: (stage) =>
    withBarRig(stage, { name: 'throughput', env: { LLM_MAX_STREAMS: String(STREAMS) }, streams: 2 * STREAMS }, async (rig) => {
      const workers = await startWorkers(rig, 2, stage.proxiedEnv(rig))
      const faults = listFaults(stage, rig, workers)
      const calmMinutes = 2
      await sendPrompts(rig, makeIds('even', (calmMinutes + faults.length) * MAX_TASKS_PER_MINUTE), { latencyMs: CALL_MS })
      const results = await rig.results()
      await delay(5_000)
      const count = async (work: () => Promise<unknown>) => {
        const before = results.events.length
        await Promise.all([work(), delay(MINUTE_MS)])
        return results.events.length - before
      }
      let calm = 0
      for (let minute = 0; minute < calmMinutes; minute++) calm += await count(() => Promise.resolve())
      const shares: number[] = []
      for (const fault of faults) shares.push((await count(fault)) / (calm / calmMinutes))
      const share = shares.reduce((sum, one) => sum + one, 0) / shares.length
      return {
        figures: `${Math.round(calm / calmMinutes / 60)} results a second when calm; ${percent(share)} of that, by fault ${shares.map(percent).join(', ')}`,
        broken: unless(share >= 0.85, 'throughput'),
      }
    }),
}

function listFaults(stage: FaultStage, rig: ServiceRig, workers: WorkerProcess[]) {
  const reset = { type: 'reset_peer', stream: 'downstream', attributes: { timeout: 0 } } as const
  const poison = async (link: 'postgres' | 'kafka', forMs: number) => {
    const heal = await stage.links[link].poison(reset)
    await delay(forMs)
    await heal()
  }
  return [
    () => poison('postgres', 2_000),
    async () => {
      await workers[0]!.kill()
      workers[0] = await rig.launchWorker()
    },
    async () => {
      await stage.server('postgres').kill()
      await stage.server('postgres').start()
    },
    () => poison('kafka', 2_000),
    async () => {
      const rule = await rig.addFault({ kind: 'error', status: 503 })
      await delay(3_000)
      await rig.simulator.removeFault(rule)
    },
  ]
}

const CYCLES = 10
const PER_SECOND = 40
const SAMPLES = 15

export const MEMORY: Bar = {
  id: 'B10',
  title: `a worker with tasks of all shapes, before and after ${CYCLES} cycles of resets of PostgreSQL, Kafka, S3 and the provider`,
  limit: 'its resident memory is at most 1.25 of what it was',
  seeds: [8001],
  measure: (stage, seed) =>
    withBarRig(stage, { name: 'memory', env: CRASH_ENV, streams: STREAMS }, async (rig) => {
      const [worker] = await startWorkers(rig, 1, stage.proxiedEnv(rig))
      const [random, journal, ended] = [new SeededRandom(seed), new ProducerJournal(rig.producer), new AbortController()]
      const mix = new TaskMix({ rig, random, largeAnswerBytes: 2 * Number(CRASH_ENV.INLINE_ANSWER_BYTES) })
      const feeder = new TaskFeeder({ mix, journal, tasks: 1_000_000, perSecond: PER_SECOND, signal: ended.signal })
      const fed = feeder.run().catch(() => undefined)
      try {
        await delay(MINUTE_MS)
        const before = await readMemory(worker)
        for (let cycle = 0; cycle < CYCLES; cycle++) await runCycle(stage)
        // As long under the same load as before the first sample.
        await delay(MINUTE_MS)
        const after = await readMemory(worker)
        return {
          figures: `${before} MiB before, ${after} MiB after (${(after / before).toFixed(2)})`,
          broken: unless(after <= 1.25 * before, 'memory'),
        }
      } finally {
        ended.abort()
        await fed
      }
    }),
}

async function runCycle({ links }: FaultStage): Promise<void> {
  for (const link of ['postgres', 'kafka', 's3', 'llm'] as const) {
    const heal = await links[link].poison({ type: 'reset_peer', stream: 'downstream', attributes: { timeout: 0 } })
    await delay(1_000)
    await heal()
    await delay(4_000)
  }
}

/** The median of some seconds, in MiB. */
async function readMemory({ pid }: WorkerProcess): Promise<number> {
  const samples: number[] = []
  for (let sample = 0; sample < SAMPLES; sample++) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    samples.push(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]))
    await delay(1_000)
  }
  return Math.round(samples.toSorted((a, b) => a - b)[Math.floor(SAMPLES / 2)]! / 1024)
}
