import { AdmissionStore, TaskError } from '#libs/kernel'
import type { BalanceResult, GateDecision, GateDemand, GateState, Lane, Route, RouteFailure, RouteState } from '#libs/kernel'
import type { ModelAdmissionStore } from '../model/model.admission.js'
import type { Faults } from './faults.js'
import type { ReplicaFate } from './replica.fate.js'

/** The way from a replica to what all share about limits: it takes time, answers are lost, and while the ledger is away nothing gets there. */
export class UnreliableAdmissionStore extends AdmissionStore {
  constructor(
    private readonly model: ModelAdmissionStore,
    private readonly fate: ReplicaFate,
    private readonly faults: Faults,
  ) {
    super()
  }

  get leaseId(): number | null {
    return this.model.leaseId
  }

  balance(demands: readonly GateDemand[], decide: (state: GateState) => GateDecision): Promise<BalanceResult | null> {
    return this.ask(() => this.model.balance(demands, decide))
  }

  lowerLimit(gate: string, change: { ageMs: number; from: number; factor: number }): Promise<void> {
    return this.ask(() => this.model.lowerLimit(gate, change))
  }

  listDueLanes(): Promise<Lane[]> {
    return this.ask(() => this.model.listDueLanes())
  }

  readRoutes(): Promise<RouteState[]> {
    return this.ask(() => this.model.readRoutes())
  }

  reportFailure(failure: RouteFailure): Promise<RouteState> {
    return this.ask(() => this.model.reportFailure(failure))
  }

  reportSuccess(route: Route): Promise<void> {
    return this.ask(() => this.model.reportSuccess(route))
  }

  takeProbe(route: Route): Promise<boolean> {
    return this.ask(() => this.model.takeProbe(route))
  }

  returnProbe(route: Route): Promise<void> {
    return this.ask(() => this.model.returnProbe(route))
  }

  book(): Promise<void> {
    return this.model.book()
  }

  onDue(listener: (lanes?: readonly Lane[]) => void): () => void {
    return this.model.onDue(listener)
  }

  private async ask<T>(work: () => Promise<T>): Promise<T> {
    await this.fate.pass()
    if (this.faults.isLedgerAway) throw TaskError.unavailable('ledger_unavailable', 'the ledger is away')
    const result = await work()
    await this.fate.pass()
    if (this.faults.happens('lostAnswer')) throw TaskError.unavailable('ledger_unavailable', 'the answer was lost')
    return result
  }
}
