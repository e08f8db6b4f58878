import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil, type WorkerProcess } from '#tools/rig'
import { countOpenCalls, countRepeats, makeIds, sendPrompts, startWorkers, whenEnded, withBarRig } from './bar.rig.js'
import { seconds, unless, type Bar } from './bar.js'

const STREAMS = 20
const AWAY_MS = 60_000
const [LONG, LATER] = [STREAMS, 200]

export const POSTGRES_AWAY: Bar = {
  id: 'B6',
  title: 'PostgreSQL is killed while 20 calls run, and is away for 60 s',
  limit: 'intake stops within 5 s; every answer is stored afterwards; 0 calls repeated; work goes on within 15 s of its return',
  seeds: [7601],
  measure: (stage) =>
    withBarRig(stage, { name: 'pg-away', env: { LLM_MAX_STREAMS: String(STREAMS) }, streams: STREAMS }, async (rig) => {
      const workers = await startWorkers(rig, 2)
      await sendPrompts(rig, makeIds('long', LONG), { latencyMs: 8_000 })
      await waitUntil(async () => (await countOpenCalls(rig)) === STREAMS, { what: 'all calls to run', timeoutMs: 30_000 })
      await sendPrompts(rig, makeIds('later', LATER), { latencyMs: 200 })
      const killedAtMs = Date.now()
      await stage.server('postgres').kill()
      await Promise.all(workers.map((worker) => whenNotReady(worker)))
      const stoppedMs = Date.now() - killedAtMs
      await delay(killedAtMs + AWAY_MS - Date.now())
      const answeredMeanwhile = (await rig.calls()).filter(({ outcome }) => outcome === 'answered').length
      await stage.server('postgres').start()
      const backAtMs = Date.now()
      await waitUntil(async () => (await rig.calls()).length > STREAMS, { what: 'the next call', timeoutMs: 120_000 })
      const workMs = Date.now() - backAtMs
      await whenEnded(rig, LONG + LATER, 120_000)
      const [repeats, stored] = await Promise.all([countRepeats(rig), rig.ledger.value<number>('SELECT count(*) FROM answer')])
      return {
        figures: `not ready after ${seconds(stoppedMs)}; ${answeredMeanwhile} answers came meanwhile, ${stored} of ${LONG + LATER} stored; ${repeats} repeats; at work ${seconds(workMs)} after its return`,
        broken: [
          ...unless(stoppedMs <= 5_000, 'intake'),
          ...unless(answeredMeanwhile === LONG, 'answers meanwhile'),
          ...unless(stored === LONG + LATER, 'answers'),
          ...unless(repeats === 0, 'repeats'),
          ...unless(workMs <= 15_000, 'recovery'),
        ],
      }
    }),
}

/** A worker that is not ready takes nothing in: what comes stays on Kafka. */
async function whenNotReady({ url }: WorkerProcess): Promise<void> {
  const isReady = () => fetch(`${url}/health/ready`).then(({ ok }) => ok)
  await waitUntil(async () => !(await isReady()), { what: 'the worker to say that it is not ready', timeoutMs: 30_000 })
}
