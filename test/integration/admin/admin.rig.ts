import { SystemClock } from '#libs/kernel'
import { TaskOperator } from '#libs/admin'
import { makeCancelledEnd } from '#libs/tasks'
import { onTestFinished } from 'vitest'
import { connectOperators } from '../../../libs/db/src/operators/connect-operators.js'
import { createLedgerDatabase, makeDbSettings, type TestDatabase } from '../db/test-database.js'
import { openReplica, type TestReplica } from '../db/test-replica.js'

/** A ledger with a replica that works on it, and an operator. */
export interface AdminRig {
  readonly database: TestDatabase
  readonly replica: TestReplica
  readonly tasks: TaskOperator
}

export const CHANGE = { actor: 'ada', reason: 'a test' }

export async function openAdminRig(): Promise<AdminRig> {
  const database = await createLedgerDatabase()
  const replica = await openReplica(database)
  const ports = connectOperators(makeDbSettings(database.url))
  onTestFinished(() => ports[Symbol.asyncDispose]())
  const clock = new SystemClock()
  return { database, replica, tasks: new TaskOperator(ports.tasks, (task) => makeCancelledEnd(task, clock.nowMs())) }
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
