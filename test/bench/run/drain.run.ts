import { checkDoneOnce, checkOrder, countRows } from '../check/done-once.check.js'
import { isService, type BenchCase, type PeerName } from '../cases/bench.case.js'
import { fillTopic } from '../load/topic.filler.js'
import { readMemoryMib } from '../measure/process.times.js'
import { measureThroughput } from '../measure/throughput.js'
import type { Bay, BenchLab } from './bench.lab.js'
import type { Measurement } from './measurement.js'
import { Sampler } from './sampler.js'

/** A time-boxed peer still needs enough tasks to be measured at all. */
const MIN_TASKS = 20

/** Peers whose stop waits for what they have begun. */
const drains = (peer: PeerName) => isService(peer) || peer === 'bare'

export interface DrainLimits {
  readonly seconds: number
  readonly tasks: number
}

/** Fills a topic, starts the worker on it, and measures until all is done or the time is over. */
export async function runDrain(lab: BenchLab, benchCase: BenchCase, peerName: PeerName, limits: DrainLimits): Promise<Measurement> {
  const { taskType, latency } = benchCase
  const expected = (benchCase.expectedPerSecond[peerName] ?? 0) * limits.seconds
  const tasks = Math.max(MIN_TASKS, Math.min(limits.tasks, expected))
  const bay = await openFilled(lab, benchCase, { peerName, tasks })
  await lab.prepareModel(latency)
  const peer = await lab.startPeer(bay)
  try {
    const sampler = new Sampler(lab, bay, peer)
    await sampler.untilFirstResult()
    const endMs = performance.now() + limits.seconds * 1_000
    await sampler.until(({ results, atMs }) => results >= tasks || atMs >= endMs)
    const stoppedEarly = sampler.samples.at(-1)!.results < tasks
    const { peak } = readMemoryMib(peer.pid)
    await peer.stop()
    const [results, rows, calls] = [
      await lab.topics.count(bay.resultsTopic, bay.partitions),
      await countRows(bay.databaseUrl, peerName),
      await lab.countCalls(),
    ]
    checkDoneOnce({ tasks, rows, results, calls, stoppedEarly, brokenOff: drains(peerName) ? 0 : bay.partitions })
    if (isService(peerName) && taskType !== undefined) await checkOrder(bay.databaseUrl)
    return { ...measureThroughput(sampler.samples), peakRssMib: peak }
  } finally {
    if (peer.isRunning) await peer.stop()
    await lab.close(bay)
  }
}

/** Each task once: where the producer had to repeat a request, the topic holds some of them twice, and another one is filled. */
async function openFilled(lab: BenchLab, benchCase: BenchCase, { peerName, tasks }: { peerName: PeerName; tasks: number }): Promise<Bay> {
  const { keys, taskType } = benchCase
  for (;;) {
    const bay = await lab.open(benchCase, peerName)
    await fillTopic(lab.stack.kafkaBrokers, tasks, { topic: bay.tasksTopic, keys, taskType })
    if ((await lab.topics.count(bay.tasksTopic, bay.partitions)) === tasks) return bay
    await lab.close(bay)
  }
}
