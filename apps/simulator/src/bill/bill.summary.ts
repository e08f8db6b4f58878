import type { Simulation } from '../simulation.js'

interface TaskTotals {
  calls: number
  paid: number
  prompt_tokens: number
  completion_tokens: number
}

/** Totals of the whole bill. `by_task` is computed from the kept records; `forgotten` says how many calls it does not know. */
export function summarizeBill(simulation: Simulation, withTasks: boolean): Record<string, unknown> {
  const { bill, gates } = simulation
  const { counters } = bill
  const streams = gates.all()
  return {
    calls: counters.calls,
    paid: counters.paid,
    oauth_calls: counters.oauthCalls,
    prompt_tokens: counters.promptTokens,
    completion_tokens: counters.completionTokens,
    by_status: Object.fromEntries(counters.byStatus),
    by_outcome: Object.fromEntries(counters.byOutcome),
    open_streams: simulation.openStreams.size,
    max_streams: streams.reduce((most, gate) => Math.max(most, gate.peak), 0),
    leaked_streams: simulation.leakedStreams,
    streams: streams.map(({ credential, scope, limit, inUse, peak, refused }) => ({
      credential,
      scope,
      limit,
      in_use: inUse,
      max: peak,
      refused,
    })),
    ...(withTasks && { by_task: Object.fromEntries(totalsByTask(simulation)) }),
    forgotten: bill.forgotten,
    last_sequence: bill.lastSequence,
  }
}

function totalsByTask({ bill }: Simulation): Map<string, TaskTotals> {
  const totals = new Map<string, TaskTotals>()
  for (const record of bill.recordsSince(0)) {
    for (const task of record.tasks) {
      let entry = totals.get(task)
      if (entry === undefined) totals.set(task, (entry = { calls: 0, paid: 0, prompt_tokens: 0, completion_tokens: 0 }))
      entry.calls++
      if (!record.paid) continue
      entry.paid++
      entry.prompt_tokens += record.promptTokens
      entry.completion_tokens += record.completionTokens
    }
  }
  return totals
}
