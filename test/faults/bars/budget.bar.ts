import { waitUntil } from '#tools/rig'
import { makeIds, sendPrompts, startWorkers, withBarRig } from './bar.rig.js'
import { unless, type Bar } from './bar.js'

const STREAMS = 50
const BUDGET = 10_000
const TASKS = 600
const LIMITS = `tenants: { default: { budget: { tokens_per_day: ${BUDGET} } } }`

/** Nothing runs, everything is booked, and no task that is left could be paid for at the most that it may use. */
const IS_SPENT = `
  SELECT coalesce(
    NOT EXISTS (SELECT FROM task_queue WHERE state = 'running') AND NOT EXISTS (SELECT FROM attempt WHERE booked_at IS NULL)
    AND (SELECT amount FROM usage_meter WHERE meter = 'budget_tokens:default') + (SELECT min(estimated_tokens) FROM task_queue) > ${BUDGET},
    false)`

export const BUDGET_BAR: Bar = {
  id: 'B5',
  title: `a budget of ${BUDGET.toLocaleString('en')} tokens a day, ${STREAMS} calls at a time over 2 replicas`,
  limit: 'at most one call over; no attempt is spent on what the budget does not allow',
  seeds: [7501],
  measure: (stage) =>
    withBarRig(
      stage,
      { name: 'budget', env: { LLM_MAX_STREAMS: String(STREAMS) }, files: { LIMITS_FILE: LIMITS }, streams: STREAMS },
      async (rig) => {
        await startWorkers(rig, 2)
        await sendPrompts(rig, makeIds('budget', TASKS), { latencyMs: 300, params: { max_tokens: 100 } })
        await waitUntil(() => rig.ledger.value<boolean>(IS_SPENT), { what: 'the budget to be spent', timeoutMs: 180_000 })
        const calls = await rig.calls()
        const costs = calls.map(({ prompt_tokens: prompt, completion_tokens: completion }) => prompt + completion)
        const used = costs.reduce((sum, cost) => sum + cost, 0)
        const spent = await rig.ledger.value<number>(`SELECT coalesce(sum(attempts), 0)::integer FROM task_queue WHERE state = 'pending'`)
        return {
          figures: `${used} tokens used in ${calls.length} calls, ${spent} attempts spent by those that wait`,
          broken: [...unless(used <= BUDGET + Math.max(...costs), 'budget'), ...unless(spent === 0, 'attempts')],
        }
      },
    ),
}
