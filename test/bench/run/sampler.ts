import { setTimeout as delay } from 'node:timers/promises'
import { readTreeCpuSeconds } from '../measure/process.times.js'
import { OTHER_PROCESSES, type MeasuredProcess, type Sample } from '../measure/sample.js'
import type { RunningPeer } from '../peers/running.peer.js'
import type { Bay, BenchLab } from './bench.lab.js'

const INTERVAL_MS = 200
const START_LIMIT_MS = 90_000
/** No process has this number: a server that runs elsewhere counts as 0. */
const NOBODY = -1

/** Looks at a worker from outside: the end of its result topic, and the CPU time of all processes. */
export class Sampler {
  readonly samples: Sample[] = []

  constructor(
    private readonly lab: BenchLab,
    private readonly bay: Bay,
    private readonly peer: RunningPeer,
  ) {}

  /** Takes samples until `isOver` says so of the last one; throws when the worker ends before. */
  async until(isOver: (last: Sample) => boolean): Promise<void> {
    for (;;) {
      const sample = await this.take()
      if (isOver(sample)) return
      await delay(INTERVAL_MS)
    }
  }

  async untilFirstResult(): Promise<void> {
    const startedMs = performance.now()
    await this.until(({ results, atMs }) => {
      if (results === 0 && atMs - startedMs > START_LIMIT_MS)
        throw new Error(`no result within ${START_LIMIT_MS} ms; see ${this.bay.logFile}`)
      return results > 0
    })
  }

  async take(): Promise<Sample> {
    if (!this.peer.isRunning) throw new Error(`the worker ended by itself; see ${this.bay.logFile}`)
    const results = await this.lab.topics.count(this.bay.resultsTopic, this.bay.partitions)
    const sample = { atMs: performance.now(), results, cpuSeconds: this.readCpu() }
    this.samples.push(sample)
    return sample
  }

  private readCpu(): Record<MeasuredProcess, number> {
    const { stack } = this.lab
    const readPart = (part: (typeof OTHER_PROCESSES)[number]) =>
      readTreeCpuSeconds((stack.isLocal(part) && stack.server(part).pid) || NOBODY)
    const others = Object.fromEntries(OTHER_PROCESSES.map((part) => [part, readPart(part)])) as Record<MeasuredProcess, number>
    return { ...others, worker: readTreeCpuSeconds(this.peer.pid) }
  }
}
