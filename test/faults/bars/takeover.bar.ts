import { waitUntil, type ServiceRig } from '#tools/rig'
import { readInterruptionOf } from '../interruption.js'
import { countOpenCalls, makeIds, sendPrompts, startWorkers, withBarRig } from './bar.rig.js'
import { seconds, unless, type Bar } from './bar.js'

const STREAMS = 100
const LIMIT_MS = 20_000

export const TAKEOVER: Bar = {
  id: 'B7',
  title: `one of two replicas with ${STREAMS} calls is killed`,
  limit: 'all of its tasks run elsewhere within 20 s',
  seeds: [7701],
  measure: (stage) =>
    withBarRig(stage, { name: 'takeover', env: { LLM_MAX_STREAMS: String(STREAMS) }, streams: 2 * STREAMS }, async (rig) => {
      const [first] = await startWorkers(rig, 2)
      await sendPrompts(rig, makeIds('held', STREAMS), { latencyMs: 45_000 })
      await waitUntil(async () => (await countOpenCalls(rig)) === STREAMS, { what: 'all calls to run', timeoutMs: 30_000 })
      const killedAtMs = await rig.ledger.value<number>('SELECT extract(epoch FROM clock_timestamp()) * 1000')
      await first.kill()
      const held = await readInterruptionOf(rig, first.pid)
      await waitUntil(async () => (await readAgain(rig, held)).length === held.length, { what: 'their next calls', timeoutMs: 60_000 })
      const tookMs = Math.max(...(await readAgain(rig, held))) - killedAtMs
      return {
        figures: `${held.length} tasks, the last of them after ${seconds(tookMs)}`,
        broken: [...unless(held.length >= STREAMS / 4, 'too few tasks'), ...unless(tookMs <= LIMIT_MS, 'takeover')],
      }
    }),
}

/** When the next attempts of those tasks were opened, in ms since 1970 by the ledger's clock. */
async function readAgain({ ledger }: ServiceRig, attempts: readonly string[]): Promise<number[]> {
  const rows = await ledger.rows<{ at: number }>(
    `SELECT (extract(epoch FROM next.opened_at) * 1000)::float8 AS at FROM attempt a
     JOIN attempt next ON next.accepted_on = a.accepted_on AND next.task_number = a.task_number AND next.number = a.number + 1
     WHERE a.id = ANY($1::uuid[])`,
    [attempts],
  )
  return rows.map(({ at }) => at)
}
