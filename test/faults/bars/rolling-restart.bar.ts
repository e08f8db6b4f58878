import { countRepeats, makeIds, sendPrompts, startWorkers, whenEnded, withBarRig } from './bar.rig.js'
import { unless, type Bar } from './bar.js'

const TASKS = 10_000
const STREAMS = 30
const READY_LIMIT_MS = 90_000

/** Each restart moves partitions twice: the workers are no static members of their group. */
export const ROLLING_RESTART: Bar = {
  id: 'B2',
  title: `rolling restarts of 3 replicas, one after the other, during ${TASKS} tasks`,
  limit: '0 calls repeated, by restarts and by the rebalances that they cause',
  seeds: [7201],
  measure: (stage) =>
    withBarRig(stage, { name: 'rolling', env: { LLM_MAX_STREAMS: String(STREAMS) }, streams: STREAMS }, async (rig) => {
      const workers = await startWorkers(rig, 3)
      await sendPrompts(rig, makeIds('roll', TASKS), { latencyMs: 200 })
      const over = new AbortController()
      const ended = whenEnded(rig, TASKS, 600_000).finally(() => over.abort())
      ended.catch(() => undefined)
      let [restarts, failedStops] = [0, 0]
      while (!over.signal.aborted) {
        const place = restarts % workers.length
        if ((await workers[place]!.stop()).code !== 0) failedStops++
        workers[place] = await rig.launchWorker()
        await workers[place].whenReady(READY_LIMIT_MS)
        restarts++
      }
      await ended
      const [repeats, failed] = await Promise.all([
        countRepeats(rig),
        rig.ledger.value<number>(`SELECT count(*) FROM run_record WHERE outcome <> 'succeeded'`),
      ])
      return {
        figures: `${repeats} repeats in ${restarts} restarts, ${failed} failed`,
        broken: [
          ...unless(repeats === 0, 'repeats'),
          ...unless(failed === 0, 'failed tasks'),
          ...unless(failedStops === 0, 'stops'),
          ...unless(restarts >= workers.length, 'too few restarts'),
        ],
      }
    }),
}
