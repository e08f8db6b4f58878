import type { DeadLetters, LimitReads, Redrives, TaskOperations, TaskWaits } from '#libs/kernel'
import { PostgresLimitReads } from '../admission/postgres-limit-reads.js'
import { HotPool } from '../connection/hot-pool.js'
import type { DbSettings } from '../db.settings.js'
import { PostgresDeadLetters } from './postgres-dead-letters.js'
import { PostgresRedrives } from './postgres-redrives.js'
import { PostgresTaskOperations } from './postgres-task-operations.js'
import { PostgresTaskWaits } from './postgres-task-waits.js'

const CONNECTIONS = 2

/** The operators' side of the ledger, on few connections of its own. */
export interface OperatorPorts extends AsyncDisposable {
  readonly tasks: TaskOperations
  readonly waits: TaskWaits
  readonly limits: LimitReads
  readonly deadLetters: DeadLetters
  readonly redrives: Redrives
}

export function connectOperators(settings: DbSettings): OperatorPorts {
  const pool = new HotPool({ ...settings, url: settings.directUrl, poolSize: CONNECTIONS })
  return {
    tasks: new PostgresTaskOperations(pool),
    waits: new PostgresTaskWaits(pool),
    limits: new PostgresLimitReads(pool),
    deadLetters: new PostgresDeadLetters(pool),
    redrives: new PostgresRedrives(pool),
    [Symbol.asyncDispose]: () => pool.close(),
  }
}
