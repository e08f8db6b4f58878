import type {
  AttemptEnd,
  ClaimedTask,
  DeferralClass,
  FinishResult,
  KeptAnswer,
  OpenAttempt,
  OutboxMessage,
  RunEnd,
  TaskProgress,
  TransitionResult,
} from '#libs/kernel'
import { advanceSequence, promoteHead } from './model.keys.js'
import { isRoaming, park } from './model.suspects.js'
import { makeMessage } from './model.outbox.js'
import type { ModelMessage, ModelRunRecord, ModelTables, QueuedTask } from './model.tables.js'

/** The fence: the task is held under this lease, by this claim of it. */
export function findHeld({ queue }: ModelTables, task: ClaimedTask): QueuedTask | undefined {
  const row = queue.get(task.id)
  return row?.state === 'running' && row.leaseId === task.leaseId && row.claims === task.claim ? row : undefined
}

/** Not fenced: it only says what happened to a send. One that has been answered, or judged by a reaper, stays as it is. */
export function endAttempt({ attempts }: ModelTables, { attemptId, state, error }: AttemptEnd): void {
  const attempt = attempts.find(({ id }) => id === attemptId)
  if (attempt?.state !== 'sending') return
  attempt.state = state
  attempt.errorCode = error.code
}

/** Not fenced. The first answer of an attempt stays. */
export function storeAnswer(tables: ModelTables, task: ClaimedTask, { id, number }: OpenAttempt, answer: KeptAnswer): void {
  if (tables.answers.some(({ attemptId }) => attemptId === id)) return
  tables.answers.push({ taskNumber: task.id, attemptId: id, attemptNumber: number, answer })
  const attempt = tables.attempts.find((row) => row.id === id)
  if (attempt?.state === 'sending' || attempt?.state === 'maybe_paid') attempt.state = 'answered'
}

export interface ModelPutBack extends TaskProgress {
  readonly task: ClaimedTask
  readonly state: 'pending' | 'held'
  readonly runAtMs: number
  readonly reason: string
  readonly deferralClass: DeferralClass | null
  /** How the attempts that count change: the open one was counted when it was opened. */
  readonly attemptsDelta: number
}

export function putBack(tables: ModelTables, item: ModelPutBack): TransitionResult {
  if (item.attemptEnd) endAttempt(tables, item.attemptEnd)
  const row = findHeld(tables, item.task)
  if (!row) return isPutBackBefore(tables, item) ? 'done' : 'fenced'
  row.state = item.state
  row.attempts += item.attemptsDelta - endUnknown(tables, row)
  row.leaseId = null
  row.runAtMs = item.runAtMs
  if (item.deferralClass !== 'handover') {
    row.suspectSinceMs = null
    row.deaths = 0
  } else if (row.suspectSinceMs !== null && !isRoaming(row)) park(row, item.runAtMs)
  row.reason = item.reason
  row.deferrals = item.deferralClass === null ? 0 : row.deferralClass === item.deferralClass ? row.deferrals + 1 : 1
  row.deferralClass = item.deferralClass
  if (item.attemptEnd?.state === 'maybe_paid') row.maybePaid++
  row.prepare = row.task.hasFiles
  row.promptVersion ??= item.promptVersion ?? null
  return 'done'
}

/** By the same claim, in the same way: a statement whose answer was lost. */
function isPutBackBefore({ queue }: ModelTables, { task, state, reason }: ModelPutBack): boolean {
  const row = queue.get(task.id)
  return row?.leaseId === null && row.claims === task.claim && row.state === state && row.reason === reason
}

/** An attempt of which its holder knows nothing has not been sent. Returns by how much it counts. */
export function endUnknown(tables: ModelTables, row: QueuedTask): 0 | 1 {
  const attempt = tables.attemptOf(row.id, row.sends)
  if (attempt?.state !== 'sending') return 0
  attempt.state = 'not_sent'
  attempt.errorCode = 'ledger_unavailable'
  return attempt.counted ? 1 : 0
}

/** The terminal record and its messages. The same end again, by the same lease, is finished too, but its messages are the sweeper's. */
export function finishRun(tables: ModelTables, end: RunEnd, nowMs: number): FinishResult {
  if (end.attemptEnd) endAttempt(tables, end.attemptEnd)
  const row = findHeld(tables, end.task)
  if (!row) return isEndedBefore(tables, end) ? { kind: 'finished', outbox: [] } : { kind: 'fenced' }
  const { orderingKey } = row.task
  const keySequence = advanceSequence(tables, orderingKey)
  const record = { taskNumber: row.id, leaseId: end.task.leaseId, end, keySequence, event: end.makeResultEvent(keySequence) }
  if (tables.records.has(row.id)) throw new Error(`the run of task ${row.task.taskId} ends twice`)
  tables.records.set(row.id, record)
  tables.queue.delete(row.id)
  promoteHead(tables, orderingKey)
  return { kind: 'finished', outbox: putOut(tables, record, nowMs) }
}

function isEndedBefore({ records }: ModelTables, end: RunEnd): boolean {
  const record = records.get(end.task.id)
  return record?.leaseId === end.task.leaseId && record.event.equals(end.makeResultEvent(record.keySequence))
}

function putOut(tables: ModelTables, record: ModelRunRecord, nowMs: number): OutboxMessage[] {
  const channels = record.end.deadLetter ? (['results', 'dead_letters'] as const) : (['results'] as const)
  const messages = channels.map((channel): ModelMessage => ({ id: tables.nextNumber(), channel, of: record, createdAtMs: nowMs }))
  tables.outbox.push(...messages)
  return messages.map(makeMessage)
}
