import { AdmissionStore } from '#libs/kernel'
import type {
  BalanceResult,
  Booking,
  GateDecision,
  GateDemand,
  GateState,
  Lane,
  Route,
  RouteFailure,
  RouteState,
  WorkerLease,
} from '#libs/kernel'
import type { PortPolicy } from '#libs/resilience'
import type { HotPool } from '../connection/hot-pool.js'
import type { DueTasks } from '../ledger/due-tasks.js'
import { bookAttempts } from './meter.statements.js'
import { listDueLanes } from './due-lanes.statement.js'
import { readRoutes, reportFailure, reportSuccess, returnProbe, takeProbe } from './route-breaker.statements.js'
import { balanceGrants, lowerLimit } from './stream-grant.statements.js'

/** What replicas share about limits, in PostgreSQL. All of it hangs on the lease: what a worker held is free once its lease has ended. */
export class PostgresAdmissionStore extends AdmissionStore {
  constructor(
    private readonly pool: HotPool,
    private readonly lease: WorkerLease,
    private readonly due: DueTasks,
    /** For bookings, which nothing waits for. */
    private readonly retries: PortPolicy,
  ) {
    super()
  }

  get leaseId(): number | null {
    return this.lease.fence
  }

  async balance(demands: readonly GateDemand[], decide: (state: GateState) => GateDecision): Promise<BalanceResult | null> {
    const { leaseId } = this
    return leaseId === null ? null : balanceGrants(this.pool, { leaseId, demands }, decide)
  }

  lowerLimit(gate: string, change: { readonly ageMs: number; readonly from: number; readonly factor: number }): Promise<void> {
    return lowerLimit(this.pool, gate, change)
  }

  listDueLanes(): Promise<Lane[]> {
    return listDueLanes(this.pool)
  }

  readRoutes(): Promise<RouteState[]> {
    return readRoutes(this.pool, this.leaseId)
  }

  reportFailure(failure: RouteFailure): Promise<RouteState> {
    return reportFailure(this.pool, failure, this.leaseId)
  }

  reportSuccess(route: Route): Promise<void> {
    return reportSuccess(this.pool, route, this.leaseId)
  }

  async takeProbe(route: Route): Promise<boolean> {
    return this.leaseId !== null && takeProbe(this.pool, route, this.leaseId)
  }

  async returnProbe(route: Route): Promise<void> {
    if (this.leaseId !== null) await returnProbe(this.pool, route, this.leaseId)
  }

  book(booking: Booking): Promise<void> {
    return this.retries.execute(() => bookAttempts(this.pool, booking), new AbortController().signal)
  }

  onDue(listener: (lanes?: readonly Lane[]) => void): () => void {
    return this.due.listen(listener)
  }
}
