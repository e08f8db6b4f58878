import type { RedriveCandidate, RedriveLimits, RedriveOrder, RedrivePlan, RedriveScope } from '#libs/kernel'
import { makeBigintArray } from '../connection/binary-array.js'
import type { HotPool, Row, Statement, StatementRunner } from '../connection/hot-pool.js'
import { IS_ANSWERED, makeFilterCondition, OPEN_DEAD_LETTERS, PLACES, valuesOfFilter } from './open-dead-letters.sql.js'

const CONDITIONS = {
  tasks: `AND t.id = ANY($4::bigint[]) AND t.accepted_on = ANY($5::text[]::date[])`,
  filter: makeFilterCondition(4),
} as const

/** $1: call again. $2: tasks at most. $3: tokens at most, or null. A late task is only finished from its answer: it may not call any more. */
const makeChoice = (kind: RedriveScope['kind']) => `
  open AS MATERIALIZED (
    SELECT t.accepted_on, t.id, r.run, t.tenant, t.task_id, r.finished_at, t.estimated_tokens, t.deadline, ${IS_ANSWERED} AND NOT $1 AS free
    ${OPEN_DEAD_LETTERS} ${CONDITIONS[kind]}
  ), fit AS (
    SELECT *, CASE WHEN free THEN 0 ELSE estimated_tokens END AS tokens, row_number() OVER oldest AS position,
           sum(CASE WHEN free THEN 0 ELSE estimated_tokens END) OVER (oldest ROWS UNBOUNDED PRECEDING) AS total
    FROM open WHERE free OR deadline IS NULL OR deadline > now()
    WINDOW oldest AS (ORDER BY finished_at, accepted_on, id)
  ), chosen AS MATERIALIZED (
    SELECT * FROM fit WHERE position <= $2 AND ($3::float8 IS NULL OR total <= $3)
  )`

const PLAN = makeStatements(
  'operator-plan-redrive',
  (kind) => `
  WITH ${makeChoice(kind)}
  SELECT (SELECT count(*) FROM open) AS matching, (SELECT count(*) FROM open) - (SELECT count(*) FROM fit) AS late, count(*) AS tasks,
         count(*) FILTER (WHERE free) AS from_answers, coalesce(sum(tokens), 0)::bigint AS tokens
  FROM chosen`,
)

const CREATE = makeStatements('operator-create-redrive', (kind) => {
  const [actor, reason, selection, rate] = [0, 1, 2, 3].map((offset) => `$${(kind === 'tasks' ? 6 : 10) + offset}`)
  return `
  WITH ${makeChoice(kind)}, made AS (
    INSERT INTO redrive (actor, reason, selection, call_again, rate_per_second)
    SELECT ${actor}, ${reason}, ${selection}::jsonb, $1, ${rate} WHERE EXISTS (SELECT FROM chosen)
    RETURNING *
  ), items AS (
    INSERT INTO redrive_item (redrive_id, position, accepted_on, task_number, run, tenant, task_id, estimated_tokens)
    SELECT m.id, c.position, c.accepted_on, c.id, c.run, c.tenant, c.task_id, c.tokens FROM made m CROSS JOIN chosen c
  ), audited AS (
    INSERT INTO audit_record (actor, reason, action, target, after)
    SELECT actor, reason, 'redrive.create', jsonb_build_object('redrive', id, 'selection', selection),
           jsonb_build_object('call_again', call_again, 'rate_per_second', rate_per_second, 'tasks', (SELECT count(*) FROM chosen),
                              'tokens', (SELECT sum(tokens) FROM chosen))
    FROM made
  )
  SELECT id FROM made`
})

/** The items are of the dead letters' state at this moment; each is looked at again when its turn comes. */
const FIND: Statement = {
  name: 'operator-find-redrivable',
  text: `
  SELECT p.name, t.id, t.accepted_on, coalesce(q.state, last.outcome) AS now, (t.deadline <= now()) IS TRUE AS late,
         ${IS_ANSWERED} AS answered
  FROM (${PLACES}) p
  LEFT JOIN task t ON t.accepted_on = p.accepted_on AND t.id = p.id
  LEFT JOIN task_queue q ON q.id = t.id
  LEFT JOIN LATERAL (SELECT outcome FROM run_record WHERE accepted_on = t.accepted_on AND task_number = t.id ORDER BY run DESC LIMIT 1) last ON true
  ORDER BY p.position`,
}

interface PlanRow extends Row {
  matching: number
  late: number
  tasks: number
  from_answers: number
  tokens: number
}

export async function planRedrive(runner: StatementRunner, scope: RedriveScope, limits: RedriveLimits): Promise<RedrivePlan> {
  const [row] = await runner.run<PlanRow>(PLAN[scope.kind], valuesOf(scope, limits))
  const { matching, late, tasks, from_answers: fromAnswers, tokens } = row!
  return { matching, late, tasks, fromAnswers, tokens }
}

export async function createRedrive(
  pool: HotPool,
  { scope, limits, ratePerSecond, change, selection }: RedriveOrder,
): Promise<number | null> {
  const values = [...valuesOf(scope, limits), change.actor, change.reason, JSON.stringify(selection), ratePerSecond]
  const [row] = await pool.run<{ id: number }>(CREATE[scope.kind], values)
  return row?.id ?? null
}

interface CandidateRow extends Row {
  name: string
  id: number | null
  accepted_on: string
  now: RedriveCandidate['now']
  late: boolean
  answered: boolean
}

export async function findCandidates(runner: StatementRunner, tenant: string, taskIds: readonly string[]): Promise<RedriveCandidate[]> {
  const rows = await runner.run<CandidateRow>(FIND, [tenant, [...taskIds]])
  return rows.map((row) => ({
    taskId: row.name,
    place: row.id === null ? null : { id: row.id, acceptedOn: row.accepted_on },
    now: row.now,
    isLate: row.late,
    isAnswered: row.answered,
  }))
}

function valuesOf(scope: RedriveScope, { callAgain, maxTasks, maxTokens }: RedriveLimits): unknown[] {
  const limits = [callAgain, maxTasks, maxTokens ?? null]
  if (scope.kind === 'filter') return [...limits, ...valuesOfFilter(scope.filter)]
  return [...limits, makeBigintArray(scope.tasks.map(({ id }) => id)), [...new Set(scope.tasks.map(({ acceptedOn }) => acceptedOn))]]
}

function makeStatements(name: string, makeText: (kind: RedriveScope['kind']) => string): Readonly<Record<RedriveScope['kind'], Statement>> {
  return {
    tasks: { name: `${name}-tasks`, text: makeText('tasks') },
    filter: { name: `${name}-filter`, text: makeText('filter') },
  }
}
