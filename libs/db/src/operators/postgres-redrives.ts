import { Redrives } from '#libs/kernel'
import type {
  Change,
  RedriveCandidate,
  RedriveLimits,
  RedriveOrder,
  RedrivePlan,
  RedriveProgress,
  RedriveScope,
  RedriveStatus,
} from '#libs/kernel'
import type { HotPool } from '../connection/hot-pool.js'
import { NOTIFY_DUE } from '../ledger/due-tasks.js'
import { createRedrive, findCandidates, planRedrive } from './redrive-plan.statements.js'
import { startNextTasks } from './redrive-start.statements.js'
import { listRedrives, readRedrive } from './redrive-status.statements.js'
import { stopRedrive } from './redrive-stop.statements.js'

export class PostgresRedrives extends Redrives {
  constructor(private readonly pool: HotPool) {
    super()
  }

  find(tenant: string, taskIds: readonly string[]): Promise<RedriveCandidate[]> {
    return findCandidates(this.pool, tenant, taskIds)
  }

  plan(scope: RedriveScope, limits: RedriveLimits): Promise<RedrivePlan> {
    return planRedrive(this.pool, scope, limits)
  }

  create(order: RedriveOrder): Promise<number | null> {
    return createRedrive(this.pool, order)
  }

  async startNext(id: number, limit: number): Promise<RedriveProgress | null> {
    const progress = await startNextTasks(this.pool, id, limit)
    // Only a hint: the workers' slow poll would find them too.
    if (progress && progress.started > 0) await this.pool.run(NOTIFY_DUE, [])
    return progress
  }

  stop(id: number, change: Change): Promise<number | null> {
    return stopRedrive(this.pool, id, change)
  }

  status(id: number): Promise<RedriveStatus | null> {
    return readRedrive(this.pool, id)
  }

  list(limit: number): Promise<RedriveStatus[]> {
    return listRedrives(this.pool, limit)
  }
}
