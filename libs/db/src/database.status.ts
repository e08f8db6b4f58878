import { Injectable } from '@nestjs/common'
import { StatusContributor, StatusRegistry } from '#libs/health'
import { HotPool } from './connection/hot-pool.js'
import { DatabaseLifecycle } from './database.lifecycle.js'
import { PostgresIntakeGate } from './ledger/postgres-intake-gate.js'
import { PostgresLedger } from './ledger/postgres-ledger.js'
import { PostgresWorkerLease } from './lease/postgres-worker-lease.js'

/** The ledger's side of this replica, for /health/details. Asks nothing of PostgreSQL. */
@Injectable()
export class DatabaseStatus extends StatusContributor {
  readonly name = 'ledger'

  constructor(
    registry: StatusRegistry,
    private readonly lifecycle: DatabaseLifecycle,
    private readonly pool: HotPool,
    private readonly lease: PostgresWorkerLease,
    private readonly gate: PostgresIntakeGate,
    private readonly ledger: PostgresLedger,
  ) {
    super()
    registry.register(this)
  }

  override describe(): unknown {
    const { waitingAnswers } = this.ledger
    return {
      state: this.lifecycle.state,
      lease: { id: this.lease.fence, is_fresh: this.lease.isFresh },
      pool: this.pool.use,
      intake: this.gate.state,
      queue: this.gate.lastSample ?? null,
      answers_waiting: { count: waitingAnswers.count, bytes: waitingAnswers.sizeBytes },
    }
  }
}
