import { checkDoneOnce, countRows } from '../check/done-once.check.js'
import { meanLatencyMs, type BenchCase, type PeerName } from '../cases/bench.case.js'
import { PacedLoad } from '../load/paced.load.js'
import { readResultTimes } from '../load/result.reader.js'
import { readMemoryMib } from '../measure/process.times.js'
import { quantile } from '../measure/quantiles.js'
import { measureThroughput } from '../measure/throughput.js'
import type { BenchLab } from './bench.lab.js'
import type { AddedLatency, Measurement } from './measurement.js'
import { Sampler } from './sampler.js'

/** Before the measured time, for compilers and connections. Part of the load like any other. */
const WARM_UP_SECONDS = 5
const DRAIN_LIMIT_MS = 60_000

export interface PacedLimits {
  readonly perSecond: number
  readonly seconds: number
}

/** Starts the worker on an empty topic, sends tasks at a steady rate, and measures what the worker adds to the model's own time. */
export async function runPaced(lab: BenchLab, benchCase: BenchCase, peerName: PeerName, limits: PacedLimits): Promise<Measurement> {
  const { keys, latency } = benchCase
  const bay = await lab.open(benchCase, peerName)
  await lab.prepareModel(latency)
  const peer = await lab.startPeer(bay)
  const load = new PacedLoad(lab.stack.kafkaBrokers, { topic: bay.tasksTopic, keys })
  try {
    const sampler = new Sampler(lab, bay, peer)
    await load.sendFirst()
    await sampler.untilFirstResult()
    let loaded = false
    const running = load.run(limits.perSecond, WARM_UP_SECONDS + limits.seconds).finally(() => (loaded = true))
    await Promise.all([running, sampler.until(() => loaded)])
    const tasks = load.dueAtMs.length
    const endMs = performance.now() + DRAIN_LIMIT_MS
    await sampler.until(({ results, atMs }) => results >= tasks || atMs > endMs)
    const { peak } = readMemoryMib(peer.pid)
    await peer.stop()
    const [results, rows, calls] = [
      await lab.topics.count(bay.resultsTopic, bay.partitions),
      await countRows(bay.databaseUrl, peerName),
      await lab.countCalls(),
    ]
    checkDoneOnce({ tasks, rows, results, calls, stoppedEarly: false, brokenOff: 0 })
    const resultTimes = await readResultTimes(lab.stack.kafkaBrokers, bay.resultsTopic, results)
    const firstMeasured = Math.round(limits.perSecond * WARM_UP_SECONDS)
    const addedMs = summarize(load.dueAtMs, resultTimes, { firstMeasured, modelMs: meanLatencyMs(latency) })
    return { ...measureThroughput(sampler.samples), peakRssMib: peak, addedMs }
  } finally {
    await load.close()
    if (peer.isRunning) await peer.stop()
    await lab.close(bay)
  }
}

function summarize(
  dueAtMs: readonly number[],
  resultTimes: ReadonlyMap<number, number>,
  { firstMeasured, modelMs }: { firstMeasured: number; modelMs: number },
): AddedLatency {
  const added = dueAtMs
    .map((due, index) => resultTimes.get(index)! - due - modelMs)
    .slice(firstMeasured)
    .toSorted((a, b) => a - b)
  return { p50: quantile(added, 0.5), p95: quantile(added, 0.95), p99: quantile(added, 0.99) }
}
