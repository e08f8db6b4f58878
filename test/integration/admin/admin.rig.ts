import { randomUUID } from 'node:crypto'
import { RedriveOperator, TaskOperator } from '#libs/admin'
import { SystemClock, TaskError, type AttemptEnd, type ClaimedTask, type NewTask } from '#libs/kernel'
import { makeCancelledEnd } from '#libs/tasks'
import { expect, onTestFinished } from 'vitest'
import { connectOperators, type OperatorPorts } from '../../../libs/db/src/operators/connect-operators.js'
import { makeDeadLetter, makeFingerprint } from '../../../libs/tasks/src/run/result-event.js'
import { makeAttemptEnd } from '../../factories/attempt-end.factory.js'
import { makeAnswer } from '../../factories/answer.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeRunEnd } from '../../factories/run-end.factory.js'
import { findDifference } from '../db/read-books.js'
import { createLedgerDatabase, makeDbSettings, type TestDatabase } from '../db/test-database.js'
import { claimOne, openReplica, type TestReplica } from '../db/test-replica.js'

/** A ledger with a replica that works on it, and an operator. */
export interface AdminRig {
  readonly database: TestDatabase
  readonly replica: TestReplica
  readonly tasks: TaskOperator
  readonly redrives: RedriveOperator
  readonly ports: OperatorPorts
}

export const CHANGE = { actor: 'ada', reason: 'a test' }

export async function openAdminRig(): Promise<AdminRig> {
  const database = await createLedgerDatabase()
  const replica = await openReplica(database)
  const ports = connectOperators(makeDbSettings(database.url))
  onTestFinished(() => ports[Symbol.asyncDispose]())
  // Whatever operators have done: what was opened has ended, or is in hand.
  onTestFinished(async () => expect(await findDifference(database)).toBe(0))
  const clock = new SystemClock()
  return {
    database,
    replica,
    tasks: new TaskOperator(ports.tasks, (task) => makeCancelledEnd(task, clock.nowMs())),
    redrives: new RedriveOperator(ports.redrives),
    ports,
  }
}

export interface AuditRow {
  readonly actor: string
  readonly reason: string
  readonly action: string
  readonly target: Readonly<Record<string, unknown>>
  readonly before: unknown
  readonly after: unknown
}

/** Oldest first. */
export function auditOf({ database }: AdminRig): Promise<AuditRow[]> {
  return database.sql.rows<AuditRow>('SELECT actor, reason, action, target, before, after FROM audit_record ORDER BY id')
}

export const byIds = (...taskIds: string[]) => ({ kind: 'ids' as const, tenant: 'default', taskIds })

/** Ends a claimed task as failed, with the dead letter that the service would write. */
export async function failTask(
  { replica }: Pick<AdminRig, 'replica'>,
  task: ClaimedTask,
  { error = makeFailure(), attemptEnd }: { readonly error?: TaskError; readonly attemptEnd?: AttemptEnd } = {},
): Promise<void> {
  const run = { eventId: randomUUID(), task, outcome: 'failed' as const, facts: {}, attempts: 1, traceparent: null, error }
  const times = { claimedAtMs: task.acceptedAtMs, finishedAtMs: task.acceptedAtMs }
  await replica.ledger.finish(
    makeRunEnd(task, {
      outcome: 'failed',
      ...(attemptEnd && { attemptEnd }),
      error: { code: error.code, message: error.message, retryable: false, fingerprint: makeFingerprint(error, task.type) },
      deadLetter: makeDeadLetter({ ...run, ...times }),
    }),
  )
}

export const makeFailure = (message = 'not as asked') => TaskError.invalid('output_invalid', message)

export interface Failing extends Partial<NewTask> {
  /** The text of the answer that was received before the run failed; left out: the attempt was refused. */
  readonly answer?: string
  readonly error?: TaskError
}

/** A dead letter: a task whose first run was sent once and failed. */
export async function makeFailed(rig: Pick<AdminRig, 'replica'>, { answer, error, ...fields }: Failing = {}): Promise<ClaimedTask> {
  const offered = makeNewTask(fields)
  await rig.replica.ledger.accept(offered)
  const task = await claimOne(rig.replica, offered)
  if (answer !== undefined) await rig.replica.ledger.recordAnswer(task, task.attempt!, makeAnswer(answer))
  const attemptEnd = answer === undefined ? { attemptEnd: makeAttemptEnd(task, { httpStatus: 500, excerpt: 'oops' }) } : {}
  await failTask(rig, task, { ...attemptEnd, ...(error && { error }) })
  return task
}
