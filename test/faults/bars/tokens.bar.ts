import type { BilledCall } from '#tools/rig'
import { SeededRandom } from '../seeded-random.js'
import { startWorkers, whenEnded, withBarRig } from './bar.rig.js'
import { percent, unless, type Bar } from './bar.js'

const TOKENS_PER_MINUTE = 60_000
const WARM_UP_CALLS = 200
const TASKS = 900
const MINUTE_MS = 60_000
const STREAMS = 20
const LIMITS = `credentials: { gigachat: { tokens_per_minute: ${TOKENS_PER_MINUTE} } }`

/** Answers of very different lengths, all of them far below what the tasks ask for at most. */
export const TOKENS_PER_MINUTE_BAR: Bar = {
  id: 'B4',
  title: `${TOKENS_PER_MINUTE.toLocaleString('en')} tokens a minute for 2 replicas, answers of 50 to 2,000 bytes`,
  limit: 'at most 5 % over in any minute after 200 calls',
  seeds: [7401],
  measure: (stage, seed) =>
    withBarRig(
      stage,
      { name: 'tokens', env: { LLM_MAX_STREAMS: String(STREAMS) }, files: { LIMITS_FILE: LIMITS }, streams: STREAMS },
      async (rig) => {
        await startWorkers(rig, 2)
        const random = new SeededRandom(seed)
        const records = Array.from({ length: TASKS }, (_, index) => {
          const prompt = `[[task:t-${index}]] [[latency:200]] [[answer_bytes:${random.between(50, 2_000)}]] say something`
          return { topic: rig.topics.names.tasks, partition: index % rig.partitions, value: { task_id: `t-${index}`, prompt } }
        })
        await rig.producer.send(records)
        await whenEnded(rig, TASKS, 600_000)
        const calls = (await rig.calls()).slice(WARM_UP_CALLS)
        const most = findBusiestMinute(calls)
        const used = calls.reduce((sum, call) => sum + tokensOf(call), 0)
        const minutes = (Date.parse(calls.at(-1)!.time) - Date.parse(calls[0]!.time)) / MINUTE_MS
        return {
          figures: `the busiest minute had ${most} tokens (${percent(most / TOKENS_PER_MINUTE - 1)} over), the mean ${Math.round(used / minutes)}`,
          broken: [
            ...unless(most <= 1.05 * TOKENS_PER_MINUTE, 'tokens over the limit'),
            ...unless(minutes > 1.5, 'too short to tell'),
            ...unless(used / minutes >= 0.8 * TOKENS_PER_MINUTE, 'tokens left unused'),
          ],
        }
      },
    ),
}

/** The most tokens of calls that began within one minute, whichever. */
export function findBusiestMinute(calls: readonly BilledCall[]): number {
  let [most, sum, first] = [0, 0, 0]
  for (const call of calls) {
    sum += tokensOf(call)
    while (Date.parse(call.time) - Date.parse(calls[first]!.time) >= MINUTE_MS) sum -= tokensOf(calls[first++]!)
    most = Math.max(most, sum)
  }
  return most
}

function tokensOf({ prompt_tokens: prompt, completion_tokens: completion }: BilledCall): number {
  return prompt + completion
}
