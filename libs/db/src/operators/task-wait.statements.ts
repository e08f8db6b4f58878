import { TaskWaits, type EndedRun, type FoundWait, type KeyHead, type LastAttempt, type LeaseFacts, type WaitingTask } from '#libs/kernel'
import { makeLaneFirst } from '../admission/lane-first.sql.js'
import type { Row, Statement, StatementRunner } from '../connection/hot-pool.js'
import { makeHasAnswer } from '../ledger/stored-answer.sql.js'

const FIND: Statement = {
  name: 'operator-task-wait',
  text: `
  SELECT now() AS now, q.id, q.tenant, k.task_id, q.type, q.provider, q.model, q.priority, q.state, q.deadline, q.run, q.attempts,
         (SELECT accepted_at FROM task t WHERE t.accepted_on = k.accepted_on AND t.id = k.id LIMIT 1) AS accepted_at,
         q.run_at, q.run_at <= now() AS is_due, q.reason, q.deferral_class, q.deferrals, q.is_head, q.suspect_since, q.deaths, q.crashes,
         q.estimated_tokens, NOT q.prepare AND (${makeHasAnswer('q')}) IS NOT TRUE AS needs_call,
         l.id AS lease_id, l.worker, l.state = 'held' AND l.expires_at >= now() AS is_alive, l.expires_at,
         a.number AS attempt_number, a.state AS attempt_state, a.opened_at, a.lease_id = q.lease_id AS is_of_holder,
         h.tenant AS head_tenant, h.state AS head_state, h.run_at AS head_run_at, h.reason AS head_reason,
         (SELECT task_id FROM task t WHERE t.accepted_on = h.accepted_on AND t.id = h.id LIMIT 1) AS head_task_id,
         (SELECT count(*) FROM (
            SELECT FROM task_queue b
            WHERE b.ordering_key = q.ordering_key AND (b.ordering_offset, b.id) < (q.ordering_offset, q.id) AND NOT q.is_head LIMIT $3
          ) before) AS key_before,
         (SELECT count(*) FROM worker_lease w WHERE w.state = 'held' AND w.expires_at >= now()) AS workers,
         e.run AS ended_run, e.outcome, e.finished_at, e.error_code
  FROM task_identity k
  LEFT JOIN task_queue q ON q.id = k.id
  LEFT JOIN worker_lease l ON l.id = q.lease_id
  LEFT JOIN LATERAL (
    SELECT * FROM attempt WHERE accepted_on = q.accepted_on AND task_number = q.id AND run = q.run AND number = q.sends LIMIT 1
  ) a ON true
  LEFT JOIN LATERAL (
    SELECT * FROM task_queue b WHERE NOT q.is_head AND b.ordering_key = q.ordering_key AND b.is_head LIMIT 1
  ) h ON true
  LEFT JOIN LATERAL (
    SELECT * FROM run_record r WHERE q.id IS NULL AND r.accepted_on = k.accepted_on AND r.task_number = k.id ORDER BY r.run DESC LIMIT 1
  ) e ON true
  WHERE k.tenant = $1 AND k.task_id = $2`,
}

/** One index range for each priority, so that deferred tasks are passed over. */
const countDue = (priorities: string, where: string, limit: string) => `
  (SELECT count(*) FROM (
     SELECT FROM ${priorities} AS p(priority) CROSS JOIN LATERAL (
       SELECT FROM task_queue q WHERE q.state = 'pending' AND q.is_head AND q.priority = p.priority AND q.run_at <= now() AND ${where} LIMIT ${limit}
     ) t LIMIT ${limit}
   ) due)`

/** What of its lane and its provider is due. Of its own priority those go before it that are due for longer. */
const QUEUE: Statement = {
  name: 'operator-task-queue',
  text: `
  WITH me AS MATERIALIZED (SELECT * FROM task_queue WHERE id = $1)
  SELECT f.id, f.estimated_tokens, f.needs_call,
         (SELECT task_id FROM task t WHERE t.accepted_on = f.accepted_on AND t.id = f.id LIMIT 1) AS task_id,
         ${countDue(
           'generate_series(9, me.priority, -1)',
           `q.provider = me.provider AND q.model = me.model AND q.tenant = me.tenant
         AND (q.priority > me.priority OR (q.run_at, q.id) < (me.run_at, me.id))`,
           '$2',
         )} AS of_lane,
         ${countDue('generate_series(9, 0, -1)', 'q.provider = me.provider AND (q.model, q.tenant) <> (me.model, me.tenant)', '$2')} AS of_others
  FROM me LEFT JOIN LATERAL (${makeLaneFirst('me')}) f ON true`,
}

interface WaitRow extends Row {
  now: number
  id: number | null
  tenant: string
  task_id: string
  type: string
  provider: string
  model: string
  priority: number
  state: WaitingTask['state']
  accepted_at: number
  deadline: number | null
  run: number
  attempts: number
  run_at: number
  is_due: boolean
  reason: string | null
  deferral_class: WaitingTask['deferralClass']
  deferrals: number
  is_head: boolean
  suspect_since: number | null
  deaths: number
  crashes: number
  estimated_tokens: number
  needs_call: boolean
  lease_id: number | null
  worker: string
  is_alive: boolean
  expires_at: number
  attempt_number: number | null
  attempt_state: LastAttempt['state']
  opened_at: number
  is_of_holder: boolean | null
  head_tenant: string
  head_state: KeyHead['state']
  head_run_at: number
  head_reason: string | null
  head_task_id: string | null
  key_before: number
  workers: number
  ended_run: number | null
  outcome: EndedRun['outcome']
  finished_at: number
  error_code: EndedRun['errorCode']
}

interface QueueRow extends Row {
  id: number | null
  estimated_tokens: number
  needs_call: boolean
  task_id: string
  of_lane: number
  of_others: number
}

export async function findTaskWait(runner: StatementRunner, tenant: string, taskId: string): Promise<FoundWait> {
  const [row] = await runner.run<WaitRow>(FIND, [tenant, taskId, TaskWaits.MAX_COUNTED])
  if (row?.id == null) return row ? makeEnd(row) : { kind: 'unknown' }
  const task = makeTask(row, row.id)
  const [queue] = await runner.run<QueueRow>(QUEUE, [row.id, TaskWaits.MAX_COUNTED])
  return {
    kind: 'unfinished',
    facts: {
      now: new Date(row.now),
      task,
      lease: makeLease(row),
      lastAttempt: makeAttempt(row),
      keyHead: makeKeyHead(row),
      keyBefore: row.key_before,
      workers: row.workers,
      laneFirst: makeLaneFirstFact(queue, task),
      // It has ended in the moment between the statements where nothing was found.
      dueBefore: { ofLane: queue?.of_lane ?? 0, ofOthers: queue?.of_others ?? 0 },
    },
  }
}

/** Retention may have taken the end of its last run. */
function makeEnd({ ended_run: run, outcome, finished_at: finishedAt, error_code: errorCode }: WaitRow): FoundWait {
  return run === null ? { kind: 'unknown' } : { kind: 'finished', end: { run, outcome, finishedAt: new Date(finishedAt), errorCode } }
}

function makeTask(row: WaitRow, id: number): WaitingTask {
  const lane = { provider: row.provider, model: row.model, tenant: row.tenant }
  return {
    id,
    tenant: row.tenant,
    taskId: row.task_id,
    type: row.type,
    lane,
    priority: row.priority,
    state: row.state,
    acceptedAt: new Date(row.accepted_at),
    deadline: makeDate(row.deadline),
    run: row.run,
    attempts: row.attempts,
    runAt: new Date(row.run_at),
    isDue: row.is_due,
    reason: row.reason,
    deferralClass: row.deferral_class,
    deferrals: row.deferrals,
    isHead: row.is_head,
    suspectSince: makeDate(row.suspect_since),
    deaths: row.deaths,
    crashes: row.crashes,
    candidate: { id, lane, estimatedTokens: row.estimated_tokens, needsCall: row.needs_call },
  }
}

function makeLease({ lease_id: id, worker, is_alive: isAlive, expires_at: expiresAt }: WaitRow): LeaseFacts | null {
  return id === null ? null : { id, worker, isAlive, expiresAt: new Date(expiresAt) }
}

function makeAttempt({ attempt_number: number, attempt_state: state, opened_at: openedAt, is_of_holder: isOfHolder }: WaitRow) {
  return number === null ? null : { number, state, openedAt: new Date(openedAt), isOfHolder: isOfHolder === true }
}

function makeKeyHead(row: WaitRow): KeyHead | null {
  if (row.head_task_id === null) return null
  return {
    tenant: row.head_tenant,
    taskId: row.head_task_id,
    state: row.head_state,
    runAt: new Date(row.head_run_at),
    reason: row.head_reason,
  }
}

function makeLaneFirstFact(queue: QueueRow | undefined, { lane }: WaitingTask) {
  if (queue?.id == null) return null
  const { id, estimated_tokens: estimatedTokens, needs_call: needsCall, task_id: taskId } = queue
  return { taskId, candidate: { id, lane, estimatedTokens, needsCall } }
}

function makeDate(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms)
}
