import { TaskWaits, type FoundWait } from '#libs/kernel'
import type { HotPool } from '../connection/hot-pool.js'
import { findTaskWait } from './task-wait.statements.js'

export class PostgresTaskWaits extends TaskWaits {
  constructor(private readonly pool: HotPool) {
    super()
  }

  find(tenant: string, taskId: string): Promise<FoundWait> {
    return findTaskWait(this.pool, tenant, taskId)
  }
}
