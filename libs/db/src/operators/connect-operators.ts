import type { TaskOperations } from '#libs/kernel'
import { HotPool } from '../connection/hot-pool.js'
import type { DbSettings } from '../db.settings.js'
import { PostgresTaskOperations } from './postgres-task-operations.js'

const CONNECTIONS = 2

/** The operators' side of the ledger, on few connections of its own. */
export interface OperatorPorts extends AsyncDisposable {
  readonly tasks: TaskOperations
}

export function connectOperators(settings: DbSettings): OperatorPorts {
  const pool = new HotPool({ ...settings, url: settings.directUrl, poolSize: CONNECTIONS })
  return { tasks: new PostgresTaskOperations(pool), [Symbol.asyncDispose]: () => pool.close() }
}
