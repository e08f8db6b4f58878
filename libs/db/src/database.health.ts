import { Injectable } from '@nestjs/common'
import { HealthContributor, HealthRegistry, type HealthReport } from '#libs/health'
import { HotPool } from './connection/hot-pool.js'
import { DatabaseLifecycle } from './database.lifecycle.js'
import { PostgresWorkerLease } from './lease/postgres-worker-lease.js'

const ASK = { name: 'health', text: `SELECT current_setting('transaction_read_only') AS "readOnly"` } as const

/** Asks through the pool that the service itself uses. A copy that only reads, as a failover leaves it behind, is of no use. */
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
    const [row] = await this.pool.run<{ readOnly: string }>(ASK, [])
    if (row?.readOnly === 'on')
      return { status: 'down', details: { error: 'PostgreSQL is read-only: DATABASE_URL must lead to the primary' } }
    if (this.lease.fence === null) return { status: 'down', details: { error: 'no lease is held' } }
    return { status: 'up', details: { lease: this.lease.fence, pool: this.pool.use } }
  }
}
