import { TaskProducer } from '#tools/rig'
import { makeBenchTask, type BenchTaskRules } from './bench.task.js'

const BATCH = 1_000

/** Puts tasks into a topic before anybody reads it. */
export async function fillTopic(brokers: readonly string[], count: number, rules: BenchTaskRules): Promise<void> {
  const producer = new TaskProducer(brokers)
  try {
    for (let start = 0; start < count; start += BATCH) {
      const size = Math.min(BATCH, count - start)
      await producer.send(Array.from({ length: size }, (_, offset) => makeBenchTask(start + offset, rules)))
    }
  } finally {
    await producer.close()
  }
}
