import { TaskError, type ClaimedTask } from '#libs/kernel'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { median, quantile } from '../measure/quantiles.js'
import { openLedger, type OpenLedger } from './open-ledger.js'
import type { Part } from './part.js'

const SMALL = 10_000
const LARGE = 1_000_000
const BAR = 2
const CLAIM = 32
const ROUNDS = 8
const CLAIMS_PER_ROUND = 50
const PERCENTILE = 0.99
const NOT_SENT = TaskError.unavailable('internal', 'it was put back')

/** Pending tasks as accept writes them, but for their number. */
const FILL = `
  WITH input AS (
    SELECT nextval('task_number') AS id, (now() AT TIME ZONE 'UTC')::date AS accepted_on, 't-' || n AS task_id,
           convert_to('{"task_id":"t-' || n || '","prompt":"' || repeat('a question ', 20) || '"}', 'UTF8') AS payload, n
    FROM generate_series(1, $1::integer) n
  ), stored AS (
    INSERT INTO task (accepted_on, id, tenant, task_id, type, priority, topic, partition, "offset", payload, provider, model, has_files, estimated_tokens)
    SELECT accepted_on, id, 'default', task_id, 'prompt', 5, 'llm.tasks', 0, n, payload, 'gigachat', 'GigaChat-2', false, 100 FROM input
  )
  INSERT INTO task_queue (id, accepted_on, tenant, type, provider, model, priority, size_bytes, estimated_tokens)
  SELECT id, accepted_on, 'default', 'prompt', 'gigachat', 'GigaChat-2', 5, octet_length(payload), 100 FROM input`

/** A claim must not slow down with the backlog: the same claims on a short and a long queue, by turns. What is claimed is put back. */
export const claimPart: Part = {
  name: 'claim',
  bar: `p99 of a claim of ${CLAIM} tasks with 1,000,000 due at most ${BAR} times that with 10,000`,
  async measure(stack, say) {
    await using small = await openLedger(stack, 'bench_claim_small')
    await using large = await openLedger(stack, 'bench_claim_large', {
      DATABASE_STATEMENT_TIMEOUT_MS: '300000',
      DATABASE_QUERY_TIMEOUT_MS: '310000',
    })
    await fill(small, SMALL)
    say(`claim: filling ${LARGE} tasks ...`)
    await fill(large, LARGE)
    const times = { small: [] as number[], large: [] as number[] }
    for (let round = 0; round < ROUNDS; round++) {
      // The first round finds cold caches on both sides.
      await claimOften(small, round === 0 ? [] : times.small)
      await claimOften(large, round === 0 ? [] : times.large)
    }
    const [p99Small, p99Large] = [times.small, times.large].map((all) =>
      quantile(
        all.toSorted((a, b) => a - b),
        PERCENTILE,
      ),
    ) as [number, number]
    const [p50Small, p50Large] = [median(times.small), median(times.large)]
    const ratio = p99Large / p99Small
    return {
      lines: [
        `10,000 due: p50 ${p50Small.toFixed(1)} ms, p99 ${p99Small.toFixed(1)} ms; 1,000,000 due: p50 ${p50Large.toFixed(1)} ms, p99 ${p99Large.toFixed(1)} ms; ratio of p99 ${ratio.toFixed(2)}`,
      ],
      holds: ratio <= BAR,
      figures: { p50_small_ms: p50Small, p99_small_ms: p99Small, p50_large_ms: p50Large, p99_large_ms: p99Large, ratio },
    }
  },
}

async function fill({ pool }: OpenLedger, count: number): Promise<void> {
  await pool.run({ text: FILL }, [count])
  await pool.run({ text: 'ANALYZE task_queue' }, [])
  await pool.run({ text: 'ANALYZE task' }, [])
}

async function claimOften({ ledger }: OpenLedger, times: number[]): Promise<void> {
  for (let index = 0; index < CLAIMS_PER_ROUND; index++) {
    const startedMs = performance.now()
    const tasks = await ledger.claim(makeClaimRoom(CLAIM))
    times.push(performance.now() - startedMs)
    if (tasks.length !== CLAIM) throw new Error(`${tasks.length} tasks were claimed, and ${CLAIM} were due`)
    await Promise.all(tasks.map((task) => putBack(ledger, task)))
  }
}

function putBack(ledger: OpenLedger['ledger'], task: ClaimedTask) {
  const attemptEnd = task.attempt && { attemptEnd: { attemptId: task.attempt.id, state: 'not_sent' as const, error: NOT_SENT } }
  return ledger.defer({ task, delayMs: 0, reason: 'bench', deferralClass: 'handover', countsAttempt: false, ...attemptEnd })
}
