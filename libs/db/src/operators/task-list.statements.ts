import type { NamedTask, TaskFilter, UnfinishedTask } from '#libs/kernel'
import type { Row, Statement, StatementRunner } from '../connection/hot-pool.js'

const FIELDS = `q.id, q.tenant, t.task_id, q.type, q.state, q.reason, q.is_head, q.priority, q.run_at, t.accepted_at, q.run, q.attempts, q.maybe_paid`

const MATCHES = `
  FROM task_queue q JOIN task t ON t.accepted_on = q.accepted_on AND t.id = q.id
  WHERE ($1::text[] IS NULL OR q.state = ANY($1)) AND ($2::text IS NULL OR q.tenant = $2) AND ($3::text IS NULL OR q.type = $3)
    AND ($4::text IS NULL OR q.reason = $4) AND ($5::float8 IS NULL OR t.accepted_at < now() - make_interval(secs => $5 / 1000))`

const LIST: Statement = { name: 'operator-list-tasks', text: `SELECT ${FIELDS} ${MATCHES} ORDER BY q.id LIMIT $6` }

const COUNT: Statement = { name: 'operator-count-tasks', text: `SELECT count(*) AS count ${MATCHES}` }

const FIND: Statement = {
  name: 'operator-find-tasks',
  text: `
  SELECT ${FIELDS}, n.name, last.outcome
  FROM unnest($2::text[]) WITH ORDINALITY AS n(name, position)
  LEFT JOIN task_identity k ON k.tenant = $1 AND k.task_id = n.name
  LEFT JOIN task t ON t.accepted_on = k.accepted_on AND t.id = k.id
  LEFT JOIN task_queue q ON q.id = t.id
  LEFT JOIN LATERAL (
    SELECT outcome FROM run_record WHERE q.id IS NULL AND accepted_on = t.accepted_on AND task_number = t.id ORDER BY run DESC LIMIT 1
  ) last ON true
  ORDER BY n.position`,
}

interface TaskRow extends Row {
  id: number
  tenant: string
  task_id: string
  type: string
  state: UnfinishedTask['state']
  reason: string | null
  is_head: boolean
  priority: number
  run_at: number
  accepted_at: number
  run: number
  attempts: number
  maybe_paid: number
}

export async function listTasks(runner: StatementRunner, filter: TaskFilter, limit: number): Promise<UnfinishedTask[]> {
  return (await runner.run<TaskRow>(LIST, [...valuesOf(filter), limit])).map(makeTask)
}

export async function countTasks(runner: StatementRunner, filter: TaskFilter): Promise<number> {
  return (await runner.run<{ count: number }>(COUNT, valuesOf(filter)))[0]!.count
}

type FoundRow = (TaskRow | { id: null }) & { name: string; outcome: NamedTask['outcome'] }

export async function findTasks(runner: StatementRunner, tenant: string, taskIds: readonly string[]): Promise<NamedTask[]> {
  const rows = await runner.run<FoundRow & Row>(FIND, [tenant, [...taskIds]])
  return rows.map((row) => ({ taskId: row.name, task: row.id === null ? null : makeTask(row), outcome: row.outcome }))
}

function valuesOf({ states, tenant, type, reason, olderThanMs }: TaskFilter): unknown[] {
  return [states ? [...states] : null, tenant ?? null, type ?? null, reason ?? null, olderThanMs ?? null]
}

function makeTask(row: TaskRow): UnfinishedTask {
  return {
    id: row.id,
    tenant: row.tenant,
    taskId: row.task_id,
    type: row.type,
    state: row.state,
    reason: row.reason,
    isHead: row.is_head,
    priority: row.priority,
    runAt: new Date(row.run_at),
    acceptedAt: new Date(row.accepted_at),
    run: row.run,
    attempts: row.attempts,
    maybePaid: row.maybe_paid,
  }
}
