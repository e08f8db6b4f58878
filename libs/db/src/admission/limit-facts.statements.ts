import type { GateUse, Lane, LimitFacts, LimitKeys, WaitingLane } from '#libs/kernel'
import { makeTextArray } from '../connection/binary-array.js'
import type { Row, Statement, StatementRunner } from '../connection/hot-pool.js'
import { DUE_LANES } from './due-lanes.statement.js'
import { makeLaneFirst } from './lane-first.sql.js'
import { readMeters } from './meter.statements.js'
import { readRoutes } from './route-breaker.statements.js'
import { makeGrant, READ_GRANTS, type GrantRow } from './stream-grant.statements.js'

const READ_GATES: Statement = {
  name: 'gate-read',
  text: `
  SELECT clock.now, g.gate, g.adaptive_limit::float8 AS adaptive_limit
  FROM (SELECT now() AS now) clock LEFT JOIN stream_gate g ON g.gate = ANY($1::text[])`,
}

const READ_CALLS: Statement = {
  name: 'calls-read',
  text: `
  SELECT q.provider, q.model, q.tenant, count(*) AS calls
  FROM task_queue q
  CROSS JOIN LATERAL (
    SELECT true FROM attempt a
    WHERE a.accepted_on = q.accepted_on AND a.task_number = q.id AND a.run = q.run AND a.number = q.sends
      AND a.lease_id = q.lease_id AND a.state = 'sending'
    LIMIT 1
  ) sent
  WHERE q.state = 'running' AND EXISTS (SELECT FROM worker_lease l WHERE l.id = q.lease_id AND l.state = 'held')
  GROUP BY q.provider, q.model, q.tenant`,
}

/** Priority by priority, so that tasks which are deferred are passed over. */
const WAITING_LANES: Statement = {
  name: 'waiting-lanes',
  text: `
  WITH due_lane AS MATERIALIZED (${DUE_LANES.text}
  )
  SELECT l.provider, l.model, l.tenant, n.tasks, f.id, f.estimated_tokens, f.needs_call
  FROM due_lane l
  CROSS JOIN LATERAL (${makeLaneFirst('l')}) f
  CROSS JOIN LATERAL (
    SELECT count(*) AS tasks FROM (
      SELECT FROM generate_series(9, 0, -1) AS p(priority)
      CROSS JOIN LATERAL (
        SELECT FROM task_queue q
        WHERE q.state = 'pending' AND q.is_head AND q.provider = l.provider AND q.model = l.model AND q.tenant = l.tenant
          AND q.priority = p.priority AND q.run_at <= now()
        LIMIT $1
      ) t
      LIMIT $1
    ) d
  ) n`,
}

interface GateRow extends Row {
  now: number
  gate: string | null
  adaptive_limit: number | null
}

interface LaneRow extends Row {
  provider: string
  model: string
  tenant: string
  tasks: number
  id: number
  estimated_tokens: number
  needs_call: boolean
}

export async function readLimitFacts(runner: StatementRunner, { gates: names, meters }: LimitKeys): Promise<LimitFacts> {
  const gates = makeTextArray([...names])
  const [rows, grants, calls, routes, levels] = await Promise.all([
    runner.run<GateRow>(READ_GATES, [gates]),
    runner.run<GrantRow>(READ_GRANTS, [gates]),
    runner.run<Lane & Row & { calls: number }>(READ_CALLS, []),
    readRoutes(runner, null),
    readMeters(runner, meters),
  ])
  const granted = Map.groupBy(grants, ({ gate }) => gate)
  const uses = rows.flatMap(({ gate, adaptive_limit: adaptiveLimit }): GateUse[] =>
    gate === null ? [] : [{ gate, adaptiveLimit, grants: (granted.get(gate) ?? []).map(makeGrant) }],
  )
  return { nowMs: rows[0]!.now, gates: uses, calls: calls.map(({ calls: count, ...lane }) => ({ lane, calls: count })), routes, levels }
}

export async function listWaitingLanes(runner: StatementRunner, maxTasks: number): Promise<WaitingLane[]> {
  const rows = await runner.run<LaneRow>(WAITING_LANES, [maxTasks])
  return rows.map(({ provider, model, tenant, tasks, ...first }) => {
    const lane = { provider, model, tenant }
    return { lane, dueTasks: tasks, first: { id: first.id, lane, estimatedTokens: first.estimated_tokens, needsCall: first.needs_call } }
  })
}
