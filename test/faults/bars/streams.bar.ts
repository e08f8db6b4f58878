import { waitUntil, type ServiceRig } from '#tools/rig'
import { makeIds, sendPrompts, startWorkers, whenEnded, withBarRig } from './bar.rig.js'
import { percent, seconds, unless, type Bar } from './bar.js'
import { StreamUsage } from './stream.usage.js'

const STREAMS = 10
const TASKS = 450
/** Until the streams of a killed replica must be in use again. */
const SETTLING_MS = 15_000
/** What is in use at once after a kill is what the others hold, until the dead one's part is free. */
const AFTERMATH_MS = 1_500

interface CredentialStreams {
  readonly credential: string
  readonly max: number
  readonly refused: number
}

async function readStreams(rig: ServiceRig): Promise<CredentialStreams> {
  const { streams } = (await rig.simulator.request('GET', 'bill/summary?by_task=false')) as { streams: CredentialStreams[] }
  return streams.find(({ credential }) => credential === rig.credential)!
}

export const STREAMS_OF_FOUR: Bar = {
  id: 'B3',
  title: `4 replicas compete for ${STREAMS} streams with calls of 1 s, and one is killed`,
  limit: 'never more than 10 as the provider saw it; 95 % in use, but for 15 s after the kill; all in use again within 15 s',
  seeds: [7301],
  measure: (stage) =>
    withBarRig(stage, { name: 'streams', env: { LLM_MAX_STREAMS: String(STREAMS) }, streams: STREAMS }, async (rig) => {
      const workers = await startWorkers(rig, 4)
      await sendPrompts(rig, makeIds('stream', TASKS), { latencyMs: 1_000 })
      await waitUntil(async () => (await rig.calls()).length >= 10 * STREAMS, { what: 'some rounds of calls', timeoutMs: 60_000 })
      const killedAtMs = Date.now()
      await workers[0].kill()
      await whenEnded(rig, TASKS, 120_000)
      const usage = new StreamUsage(await rig.calls())
      const [before, after] = [
        usage.mean({ startMs: usage.firstStartMs + 2_000, endMs: killedAtMs }) / STREAMS,
        usage.mean({ startMs: killedAtMs + SETTLING_MS, endMs: usage.lastStartMs }) / STREAMS,
      ]
      const backMs = usage.firstAt(STREAMS, killedAtMs + AFTERMATH_MS) - killedAtMs
      const { max, refused } = await readStreams(rig)
      return {
        figures: `at most ${max}, ${refused} refused; ${percent(before)} before the kill, ${percent(after)} after it; all again after ${seconds(backMs)}`,
        broken: [
          ...unless(max <= STREAMS && refused === 0, 'streams over the limit'),
          ...unless(before >= 0.95, 'use before'),
          ...unless(after >= 0.95, 'use after'),
          ...unless(backMs <= SETTLING_MS, 'streams of the dead'),
        ],
      }
    }),
}
