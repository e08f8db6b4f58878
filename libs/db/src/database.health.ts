import { Injectable } from '@nestjs/common'
import { HealthContributor, HealthRegistry, type HealthReport } from '#libs/health'
import { HotPool } from './connection/hot-pool.js'
import { DatabaseLifecycle } from './database.lifecycle.js'
import { PostgresWorkerLease } from './lease/postgres-worker-lease.js'

/** Asks through the pool that the service itself uses. */
@Injectable()
export class DatabaseHealth extends HealthContributor {
  readonly name = 'postgres'
  readonly critical = true

  constructor(
    registry: HealthRegistry,
    private readonly pool: HotPool,
    private readonly lease: PostgresWorkerLease,
    private readonly lifecycle: DatabaseLifecycle,
  ) {
    super()
    registry.register(this)
  }

  override async check(): Promise<HealthReport> {
    const { state } = this.lifecycle
    if (!state.ready) return { status: 'down', details: { error: state.reason } }
    await this.pool.run({ name: 'health', text: 'SELECT 1' }, [])
    if (this.lease.fence === null) return { status: 'down', details: { error: 'no lease is held' } }
    return { status: 'up', details: { lease: this.lease.fence, pool: this.pool.use } }
  }
}
