import type { DeadLetterFilter, DeadLetterGroup, FailedRun } from '#libs/kernel'
import type { Row, Statement, StatementRunner } from '../connection/hot-pool.js'
import { IS_ANSWERED, makeFilterCondition, OPEN_DEAD_LETTERS, valuesOfFilter } from './open-dead-letters.sql.js'

const GROUP: Statement = {
  name: 'operator-group-dead-letters',
  text: `
  WITH open AS MATERIALIZED (
    SELECT r.error_fingerprint AS fingerprint, r.error_code AS code, r.finished_at, t.accepted_on, t.id, r.run, t.tenant, t.type,
           ${IS_ANSWERED} AS answered
    ${OPEN_DEAD_LETTERS} ${makeFilterCondition(1)}
  ), grouped AS (
    SELECT fingerprint, min(code) AS code, count(*) AS count, count(*) FILTER (WHERE answered) AS answered, min(finished_at) AS first_at,
           max(finished_at) AS last_at, array_agg(DISTINCT tenant) AS tenants, array_agg(DISTINCT type) AS types
    FROM open GROUP BY fingerprint ORDER BY count(*) DESC, fingerprint LIMIT $7
  ), last AS (
    SELECT DISTINCT ON (fingerprint) fingerprint, accepted_on, id, run FROM open ORDER BY fingerprint, finished_at DESC, id DESC
  )
  SELECT g.*, r.error_message AS message, t.task_id
  FROM grouped g JOIN last l ON l.fingerprint = g.fingerprint
  JOIN task t ON t.accepted_on = l.accepted_on AND t.id = l.id
  JOIN run_record r ON r.accepted_on = l.accepted_on AND r.task_number = l.id AND r.run = l.run
  ORDER BY g.count DESC, g.fingerprint`,
}

const LIST: Statement = {
  name: 'operator-list-dead-letters',
  text: `
  SELECT t.tenant, t.task_id, t.type, r.run, r.error_code AS code, r.error_message AS message, r.error_fingerprint AS fingerprint,
         r.finished_at, ${IS_ANSWERED} AS answered
  ${OPEN_DEAD_LETTERS} ${makeFilterCondition(1)}
  ORDER BY r.finished_at DESC, t.id DESC LIMIT $7`,
}

interface GroupRow extends Row {
  fingerprint: string
  code: string
  count: number
  answered: number
  first_at: number
  last_at: number
  tenants: string[]
  types: string[]
  message: string
  task_id: string
}

export async function groupDeadLetters(runner: StatementRunner, filter: DeadLetterFilter, limit: number): Promise<DeadLetterGroup[]> {
  const rows = await runner.run<GroupRow>(GROUP, [...valuesOfFilter(filter), limit])
  return rows.map((row) => ({
    fingerprint: row.fingerprint,
    code: row.code,
    count: row.count,
    answered: row.answered,
    firstAt: new Date(row.first_at),
    lastAt: new Date(row.last_at),
    tenants: row.tenants,
    types: row.types,
    message: row.message,
    taskId: row.task_id,
  }))
}

interface RunRow extends Row {
  tenant: string
  task_id: string
  type: string
  run: number
  code: string
  message: string
  fingerprint: string
  finished_at: number
  answered: boolean
}

export async function listDeadLetters(runner: StatementRunner, filter: DeadLetterFilter, limit: number): Promise<FailedRun[]> {
  const rows = await runner.run<RunRow>(LIST, [...valuesOfFilter(filter), limit])
  return rows.map((row) => ({
    tenant: row.tenant,
    taskId: row.task_id,
    type: row.type,
    run: row.run,
    code: row.code,
    message: row.message,
    fingerprint: row.fingerprint,
    failedAt: new Date(row.finished_at),
    isAnswered: row.answered,
  }))
}
