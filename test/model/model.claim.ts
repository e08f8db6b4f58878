import { makeLaneKey, TaskError, type ClaimedTask, type ClaimRoom, type Lane, type NextAttempt, type OpenAttempt } from '#libs/kernel'
import { endAttempt, findHeld } from './model.transitions.js'
import type { ModelTables, QueuedTask } from './model.tables.js'

export function isDue(row: QueuedTask, nowMs: number): boolean {
  return row.state === 'pending' && row.isHead && row.runAtMs <= nowMs
}

/**
 * Due heads of each lane: the highest priority first, then who has been due the longest; or only by that. Nothing without a lease that is held, nor on a
 * route that is closed.
 */
export function claimDue(tables: ModelTables, leaseId: number, { lanes, oldestFirst = false }: ClaimRoom, nowMs: number): ClaimedTask[] {
  if (!tables.holdsLease(leaseId)) return []
  const dueOf = (lane: Lane) => [...tables.queue.values()].filter((row) => isDue(row, nowMs) && makeLaneKey(row.task) === makeLaneKey(lane))
  return lanes
    .filter((lane) => tables.isOpenFor(lane, leaseId))
    .flatMap((lane) => {
      const due = byPriority(dueOf(lane))
      return oldestFirst ? byPriority(byOldest(due).slice(0, lane.tasks)) : due.slice(0, lane.tasks)
    })
    .map((row) => claimRow(tables, row, leaseId))
}

const byAge = (rows: readonly QueuedTask[]) => rows.toSorted((a, b) => a.runAtMs - b.runAtMs || a.id - b.id)
const byPriority = (rows: readonly QueuedTask[]) => byAge(rows).toSorted((a, b) => b.task.priority - a.task.priority)

/** Whole priorities, in the order of their oldest tasks. */
function byOldest(rows: readonly QueuedTask[]): QueuedTask[] {
  const aged = byAge(rows)
  const priorities = new Set(aged.map(({ task }) => task.priority))
  return [...priorities].flatMap((priority) => aged.filter(({ task }) => task.priority === priority))
}

const deadlineOf = ({ task }: QueuedTask) => task.deadlineMs ?? Number.POSITIVE_INFINITY

/** Heads whose deadline has passed, on whatever route, without an attempt. */
export function claimLate(tables: ModelTables, leaseId: number, limit: number, nowMs: number): ClaimedTask[] {
  if (!tables.holdsLease(leaseId)) return []
  return [...tables.queue.values()]
    .filter((row) => row.state === 'pending' && row.isHead && deadlineOf(row) < nowMs - 1_000)
    .toSorted((a, b) => deadlineOf(a) - deadlineOf(b))
    .slice(0, limit)
    .map((row) => claimRow(tables, row, leaseId, { opensAttempt: false }))
}

/** A received answer comes along instead of a new attempt; what must be prepared gets neither. */
export function claimRow(tables: ModelTables, row: QueuedTask, leaseId: number, { opensAttempt } = { opensAttempt: true }): ClaimedTask {
  const stored = tables.answerOf(row.id)
  row.state = 'running'
  row.leaseId = leaseId
  row.claims++
  row.reason = null
  const attempt = !opensAttempt || row.prepare || stored ? null : openRow(tables, row, true)
  const { payload, payloadHash: _, ...fields } = row.task
  return {
    ...fields,
    id: row.id,
    acceptedOn: new Date(row.acceptedAtMs).toISOString().slice(0, 10),
    acceptedAtMs: row.acceptedAtMs,
    waitedMs: 0,
    payload: payload.toString('utf8'),
    run: 1,
    attempts: row.attempts,
    maybePaid: row.maybePaid,
    crashes: row.crashes,
    deferralClass: row.deferralClass,
    deferrals: row.deferrals,
    settingsVersion: 1,
    promptVersion: row.promptVersion,
    leaseId,
    claim: row.claims,
    freeAttemptUsed: row.freeAttemptUsed,
    attempt,
    storedAnswer: stored ? { ...stored.answer, attemptId: stored.attemptId, attemptNumber: stored.attemptNumber } : null,
  }
}

/** The next attempt of a held task. With an answer in store the task goes back instead, to be claimed with it. */
export function openNext(tables: ModelTables, task: ClaimedTask, next: NextAttempt, nowMs: number): OpenAttempt | null {
  if (next.attemptEnd) endAttempt(tables, next.attemptEnd)
  const row = findHeld(tables, task)
  const mayCall = next.attemptEnd !== undefined || tables.isOpenFor(task, task.leaseId)
  if (row && !mayCall && !tables.answerOf(row.id)) throw TaskError.unavailable('route_closed', 'the breaker of its route has opened')
  if (!row || !tables.holdsLease(task.leaseId)) return null
  if (next.attemptEnd?.state === 'maybe_paid') row.maybePaid++
  row.prepare = false
  row.promptVersion ??= next.promptVersion ?? null
  row.freeAttemptUsed ||= !next.countsAttempt
  if (!tables.answerOf(row.id)) return openRow(tables, row, next.countsAttempt)
  row.state = 'pending'
  row.leaseId = null
  row.runAtMs = nowMs
  return null
}

function openRow(tables: ModelTables, row: QueuedTask, counted: boolean): OpenAttempt {
  row.sends++
  if (counted) row.attempts++
  const attempt = { id: tables.nextId(), number: row.sends }
  tables.attempts.push({ ...attempt, taskNumber: row.id, counted, state: 'sending', errorCode: null })
  return attempt
}
