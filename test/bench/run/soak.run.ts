import { setTimeout as delay } from 'node:timers/promises'
import { TaskProducer } from '#tools/rig'
import { checkDoneOnce, countRows } from '../check/done-once.check.js'
import type { SoakFlags } from '../flags/soak.flags.js'
import { makeBenchTask } from '../load/bench.task.js'
import { readMemoryMib } from '../measure/process.times.js'
import { median } from '../measure/quantiles.js'
import type { RunningPeer } from '../peers/running.peer.js'
import type { Bay, BenchLab } from './bench.lab.js'

const CASE = { name: 'soak', partitions: 6, keys: 2_000 }
const INTERVAL_MS = 200
const BATCH = 500
/** Of all tasks: what was in memory then is what a worker needs; what is more at the end was never given back. */
const EARLY = { from: 0.2, to: 0.3 }
const LATE = { from: 0.9, to: 1 }
const BAR = 1.05
const PROGRESS_EVERY_MS = 10_000
const SILENCE_LIMIT_MS = 60_000

interface MemorySample {
  readonly results: number
  readonly rssMib: number
}

export interface SoakStretch {
  readonly from: number
  readonly to: number
  /** Median. */
  readonly rssMib: number
}

export interface SoakResult {
  readonly tasks: number
  readonly seconds: number
  readonly early: SoakStretch
  readonly late: SoakStretch
  readonly peakRssMib: number
  readonly ratio: number
  readonly bar: number
}

/** Runs many tasks at the pace at which they are finished, and compares the memory of the last ones with that of the first. */
export async function runSoak(lab: BenchLab, flags: SoakFlags, report: (line: string) => void): Promise<SoakResult> {
  const bay = await lab.open(CASE, 'sluice')
  await lab.prepareModel({ kind: 'fixed', ms: flags.latencyMs })
  const producer = new TaskProducer(lab.stack.kafkaBrokers)
  const peer = await lab.startPeer(bay)
  try {
    const startedMs = performance.now()
    const samples = await feed({ lab, bay, peer, producer }, flags, report)
    const seconds = (performance.now() - startedMs) / 1_000
    const { peak } = readMemoryMib(peer.pid)
    await peer.stop()
    const [results, rows, calls] = [
      await lab.topics.count(bay.resultsTopic, bay.partitions),
      await countRows(bay.databaseUrl, 'sluice'),
      await lab.countCalls(),
    ]
    checkDoneOnce({ tasks: flags.tasks, rows, results, calls, stoppedEarly: false, brokenOff: 0 })
    const [early, late] = [stretchOf(samples, flags.tasks, EARLY), stretchOf(samples, flags.tasks, LATE)]
    return { tasks: flags.tasks, seconds, early, late, peakRssMib: peak, ratio: late.rssMib / early.rssMib, bar: BAR }
  } finally {
    await producer.close()
    if (peer.isRunning) await peer.stop()
    await lab.close(bay)
  }
}

interface SoakParts {
  readonly lab: BenchLab
  readonly bay: Bay
  readonly peer: RunningPeer
  readonly producer: TaskProducer
}

async function feed({ lab, bay, peer, producer }: SoakParts, flags: SoakFlags, report: (line: string) => void): Promise<MemorySample[]> {
  const samples: MemorySample[] = []
  const rules = { topic: bay.tasksTopic, keys: CASE.keys }
  let produced = 0
  let last = { results: 0, atMs: performance.now() }
  let reportAtMs = performance.now()
  for (;;) {
    if (!peer.isRunning) throw new Error(`the worker ended by itself; see ${bay.logFile}`)
    const results = await lab.topics.count(bay.resultsTopic, bay.partitions)
    const { now: rssMib } = readMemoryMib(peer.pid)
    const nowMs = performance.now()
    samples.push({ results, rssMib })
    if (results > last.results) last = { results, atMs: nowMs }
    if (nowMs - last.atMs > SILENCE_LIMIT_MS) throw new Error(`no result for ${SILENCE_LIMIT_MS} ms after ${results} of them`)
    if (nowMs >= reportAtMs) {
      report(`${results} of ${flags.tasks} tasks, ${rssMib.toFixed(0)} MiB`)
      reportAtMs = nowMs + PROGRESS_EVERY_MS
    }
    if (results >= flags.tasks) return samples
    const room = Math.min(flags.tasks, results + flags.outstanding)
    while (produced < room) {
      const size = Math.min(BATCH, room - produced)
      const first = produced
      await producer.send(Array.from({ length: size }, (_, index) => makeBenchTask(first + index, rules)))
      produced += size
    }
    await delay(INTERVAL_MS)
  }
}

function stretchOf(samples: readonly MemorySample[], tasks: number, share: { from: number; to: number }): SoakStretch {
  const [from, to] = [Math.round(tasks * share.from), Math.round(tasks * share.to)]
  const within = samples.filter(({ results }) => results >= from && results <= to)
  return { from, to, rssMib: median(within.map(({ rssMib }) => rssMib)) }
}
