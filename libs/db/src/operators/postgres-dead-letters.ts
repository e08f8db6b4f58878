import type { DeadLetterEvent } from '#libs/contracts'
import { DeadLetters } from '#libs/kernel'
import type { DeadLetterFilter, DeadLetterGroup, FailedRun, FailedTask, RejectedRecord } from '#libs/kernel'
import type { HotPool } from '../connection/hot-pool.js'
import { groupDeadLetters, listDeadLetters } from './dead-letter.statements.js'
import { findFailedTask } from './failed-task.statements.js'
import { findRejected, listRejected } from './rejected.statements.js'

export class PostgresDeadLetters extends DeadLetters {
  constructor(private readonly pool: HotPool) {
    super()
  }

  group(filter: DeadLetterFilter, limit: number): Promise<DeadLetterGroup[]> {
    return groupDeadLetters(this.pool, filter, limit)
  }

  list(filter: DeadLetterFilter, limit: number): Promise<FailedRun[]> {
    return listDeadLetters(this.pool, filter, limit)
  }

  find(tenant: string, taskId: string): Promise<FailedTask | null> {
    return findFailedTask(this.pool, tenant, taskId)
  }

  listRejected(limit: number): Promise<RejectedRecord[]> {
    return listRejected(this.pool, limit)
  }

  findRejected(place: Pick<RejectedRecord, 'topic' | 'partition' | 'offset'>): Promise<DeadLetterEvent | null> {
    return findRejected(this.pool, place)
  }
}
