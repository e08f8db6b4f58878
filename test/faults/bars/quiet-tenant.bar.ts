import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil, type ServiceRig } from '#tools/rig'
import { makeIds, sendPrompts, startWorkers, withBarRig } from './bar.rig.js'
import { seconds, unless, type Bar } from './bar.js'

const STREAMS = 10
const BUSY = 10_000
const CALL_MS = 1_000
const QUIET = 40
const FILES = {
  LIMITS_FILE: `credentials: { gigachat: { max_streams: ${STREAMS} } }`,
  TENANTS_FILE: 'tenants: { busy: {}, quiet: {} }\ntopics: { "*": [busy, quiet] }\n',
}

export const QUIET_TENANT: Bar = {
  id: 'B8',
  title: `a quiet tenant beside one with ${BUSY.toLocaleString('en')} tasks in the ledger, calls of 1 s, 2 replicas`,
  limit: 'the p95 of its waits is at most twice a call',
  seeds: [7801],
  measure: (stage) =>
    withBarRig(stage, { name: 'tenants', files: FILES, streams: STREAMS }, async (rig) => {
      await startWorkers(rig, 2)
      await sendPrompts(rig, makeIds('busy', BUSY), { tenant: 'busy', latencyMs: CALL_MS })
      await waitUntil(async () => (await rig.ledger.value<number>('SELECT count(*) FROM task')) === BUSY, {
        what: 'all tasks of the busy tenant to be in the ledger',
        timeoutMs: 120_000,
      })
      const ids = makeIds('quiet', QUIET)
      for (const id of ids) {
        await sendPrompts(rig, [id], { tenant: 'quiet', latencyMs: CALL_MS })
        await delay(300)
      }
      const waits = await waitUntil(
        async () => {
          const read = await readWaits(rig)
          return read.length === QUIET && read
        },
        { what: 'the calls of the quiet tenant', timeoutMs: 60_000 },
      )
      const [p50, p95] = [waits[QUIET / 2]!, waits[Math.ceil(QUIET * 0.95) - 1]!]
      return { figures: `p50 ${seconds(p50)}, p95 ${seconds(p95)}`, broken: unless(p95 <= 2 * CALL_MS, 'waits') }
    }),
}

/** From accept to the first attempt, in ms, in ascending order. */
async function readWaits({ ledger }: ServiceRig): Promise<number[]> {
  const rows = await ledger.rows<{ wait: number }>(
    `SELECT (extract(epoch FROM min(a.opened_at) - t.accepted_at) * 1000)::float8 AS wait
     FROM task t JOIN attempt a ON a.accepted_on = t.accepted_on AND a.task_number = t.id
     WHERE t.task_id LIKE 'quiet-%' GROUP BY t.id, t.accepted_at ORDER BY 1`,
  )
  return rows.map(({ wait }) => wait)
}
