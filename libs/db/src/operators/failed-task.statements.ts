import type { DeadLetterEvent } from '#libs/contracts'
import type { FailedAnswer, FailedAttempt, FailedTask } from '#libs/kernel'
import type { Row, Statement, StatementRunner } from '../connection/hot-pool.js'
import { PLACES } from './open-dead-letters.sql.js'

const LETTER: Statement = {
  name: 'operator-failed-task',
  text: `
  SELECT p.id, p.accepted_on, failed.dead_letter_event AS letter,
         CASE WHEN EXISTS (SELECT FROM task_queue q WHERE q.id = p.id) THEN 'unfinished' ELSE last.outcome END AS now
  FROM (${PLACES}) p
  CROSS JOIN LATERAL (
    SELECT dead_letter_event FROM run_record WHERE accepted_on = p.accepted_on AND task_number = p.id AND outcome = 'failed'
    ORDER BY run DESC LIMIT 1
  ) failed
  CROSS JOIN LATERAL (
    SELECT outcome FROM run_record WHERE accepted_on = p.accepted_on AND task_number = p.id ORDER BY run DESC LIMIT 1
  ) last`,
}

const ATTEMPTS: Statement = {
  name: 'operator-failed-attempts',
  text: `
  SELECT run, number, id, state, opened_at, ended_at, http_status, error_code, excerpt FROM attempt
  WHERE accepted_on = $1::date AND task_number = $2 ORDER BY run, number`,
}

const ANSWERS: Statement = {
  name: 'operator-failed-answers',
  text: `
  SELECT run, attempt, status, octet_length(body) AS size_bytes, received_at FROM answer
  WHERE accepted_on = $1::date AND task_number = $2 ORDER BY run, received_at`,
}

interface LetterRow extends Row {
  id: number
  accepted_on: string
  letter: Buffer
  now: FailedTask['now']
}

export async function findFailedTask(runner: StatementRunner, tenant: string, taskId: string): Promise<FailedTask | null> {
  const [row] = await runner.run<LetterRow>(LETTER, [tenant, [taskId]])
  if (!row) return null
  const place = [row.accepted_on, row.id]
  return {
    now: row.now,
    letter: JSON.parse(row.letter.toString('utf8')) as DeadLetterEvent,
    attempts: (await runner.run<AttemptRow>(ATTEMPTS, place)).map(makeAttempt),
    answers: (await runner.run<AnswerRow>(ANSWERS, place)).map(makeAnswer),
  }
}

interface AttemptRow extends Row {
  run: number
  number: number
  id: string
  state: FailedAttempt['state']
  opened_at: number
  ended_at: number | null
  http_status: number | null
  error_code: string | null
  excerpt: string | null
}

function makeAttempt(row: AttemptRow): FailedAttempt {
  return {
    run: row.run,
    number: row.number,
    id: row.id,
    state: row.state,
    openedAt: new Date(row.opened_at),
    endedAt: row.ended_at === null ? null : new Date(row.ended_at),
    httpStatus: row.http_status,
    errorCode: row.error_code,
    excerpt: row.excerpt,
  }
}

interface AnswerRow extends Row {
  run: number
  attempt: number
  status: number
  size_bytes: number
  received_at: number
}

function makeAnswer(row: AnswerRow): FailedAnswer {
  return { run: row.run, attempt: row.attempt, status: row.status, sizeBytes: row.size_bytes, receivedAt: new Date(row.received_at) }
}
