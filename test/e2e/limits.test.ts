import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitUntil, type ServiceRig } from '#tools/rig'
import { afterEach, describe, expect, it } from 'vitest'
import { makeTemporaryFolder } from '../factories/temporary-folder.factory.js'
import { send, waitForResults } from './exchange.js'
import { makePrompt, openRig } from './open-rig.js'

function writeLimits(yaml: string): string {
  const path = join(makeTemporaryFolder(), 'limits.yaml')
  writeFileSync(path, yaml)
  return path
}

const idsOf = (count: number) => Array.from({ length: count }, (_, index) => `limited-${index}`)

describe('Sluice, with limits', { timeout: 120_000 }, () => {
  let rig: ServiceRig

  afterEach(() => rig?.close())

  it('spends a budget of the day and not a token more, over two replicas, and keeps the rest of the tasks due', async () => {
    const budget = 3_000
    const limits = writeLimits(`tenants: { default: { budget: { tokens_per_day: ${budget} } } }`)
    rig = await openRig('budget', { LIMITS_FILE: limits, LLM_MAX_STREAMS: '10' })
    await Promise.all([rig.startWorker(), rig.startWorker()])
    await send(
      rig,
      idsOf(60).map((id) => makePrompt(id, { latencyMs: 100 })),
    )
    const spent = () => rig.ledger.value<number>(`SELECT amount FROM usage_meter WHERE meter = 'budget_tokens:default'`)
    // Of what is left by then, no further task could be paid at the most that it may use.
    const isSpent = `SELECT coalesce(NOT EXISTS (SELECT FROM task_queue WHERE state = 'running') AND NOT EXISTS (SELECT FROM attempt WHERE booked_at IS NULL)
      AND (SELECT amount FROM usage_meter WHERE meter = 'budget_tokens:default') + (SELECT min(estimated_tokens) FROM task_queue) > ${budget},
      false)`
    await waitUntil(() => rig.ledger.value<boolean>(isSpent), { what: 'the budget to be spent', timeoutMs: 60_000 })
    const used = await rig.ledger.value<number>('SELECT sum(prompt_tokens + completion_tokens)::integer FROM run_record')
    expect(await spent()).toBe(used)
    expect(used).toBeLessThanOrEqual(budget)
    const [left] = await rig.ledger.rows<{ tasks: number; attempts: number }>(
      `SELECT count(*)::integer AS tasks, coalesce(sum(attempts), 0)::integer AS attempts FROM task_queue WHERE state = 'pending' AND run_at <= now()`,
    )
    expect(left!.tasks).toBe(60 - (await rig.ledger.value<number>('SELECT count(*)::integer FROM run_record')))
    expect(left!.attempts).toBe(0)
  })

  it('sends no more requests in any minute than are allowed, and all of them in the end', async () => {
    const limits = writeLimits('credentials: { gigachat: { requests_per_minute: 240 } }')
    rig = await openRig('rate', { LIMITS_FILE: limits, LLM_MAX_STREAMS: '10' })
    await Promise.all([rig.startWorker(), rig.startWorker()])
    const ids = idsOf(60)
    await send(
      rig,
      ids.map((id) => makePrompt(id)),
    )
    await waitForResults(rig, ids)
    // Twenty may come at once, and 3.7 a second flow in: 40 more take some eleven seconds.
    const [span] = await rig.ledger.rows<{ attempts: number; seconds: number }>(
      'SELECT count(*)::integer AS attempts, extract(epoch FROM max(opened_at) - min(opened_at))::float8 AS seconds FROM attempt',
    )
    expect(span!.attempts).toBe(60)
    expect(span!.seconds).toBeGreaterThan(10)
    expect(span!.seconds).toBeLessThan(40)
  })
})
