import { AdmissionStore, makeLaneKey } from '#libs/kernel'
import type {
  BalanceResult,
  Clock,
  GateDecision,
  GateDemand,
  GateState,
  Lane,
  Route,
  RouteFailure,
  RouteState,
  StreamGrant,
} from '#libs/kernel'
import { isDue } from './model.claim.js'
import type { ModelRoute, ModelTables } from './model.tables.js'

export interface ModelAdmissionOptions {
  readonly tables: ModelTables
  readonly lease: { readonly fence: number | null }
  readonly clock: Pick<Clock, 'nowMs'>
  readonly onDue: AdmissionStore['onDue']
}

/** What replicas share about limits, said plainly, in memory. */
export class ModelAdmissionStore extends AdmissionStore {
  constructor(private readonly options: ModelAdmissionOptions) {
    super()
  }

  get leaseId(): number | null {
    return this.options.lease.fence
  }

  async balance(demands: readonly GateDemand[], decide: (state: GateState) => GateDecision): Promise<BalanceResult | null> {
    const { leaseId } = this
    if (leaseId === null || !this.options.tables.holdsLease(leaseId)) return null
    const shares = demands.map((demand) => ({ gate: demand.gate, ...this.decideGate(demand, leaseId, decide) }))
    this.noteStarving(leaseId)
    return { leaseId, shares }
  }

  async lowerLimit(gate: string, { ageMs, from, factor }: { ageMs: number; from: number; factor: number }): Promise<void> {
    const nowMs = this.options.clock.nowMs()
    const known = this.gateOf(gate)
    if (known.loweredAtMs !== null && known.loweredAtMs >= nowMs - ageMs) return
    known.adaptiveLimit = Math.max(1, Math.floor(Math.min(known.adaptiveLimit ?? from, from) * factor))
    known.changedAtMs = nowMs
    known.loweredAtMs = nowMs
  }

  async listDueLanes(): Promise<Lane[]> {
    const { tables, clock } = this.options
    const due = [...tables.queue.values()].filter((row) => isDue(row, clock.nowMs())).map(({ task }) => task)
    return [...new Map(due.map((task) => [makeLaneKey(task), task])).values()]
  }

  async readRoutes(): Promise<RouteState[]> {
    const known = this.options.tables.routes.filter(({ status, failures }) => status !== 'closed' || failures > 0)
    return known.map((route) => this.show(route))
  }

  async reportFailure({ provider, model, failures, reason, threshold, openMs, maxOpenMs }: RouteFailure): Promise<RouteState> {
    const route = this.options.tables.routeOf({ provider, model })
    route.failures += failures
    const isProbe = this.isOwnProbe(route)
    if (route.status === 'closed' || isProbe) route.reason = reason
    const opens = isProbe || (route.status === 'closed' && route.failures >= threshold)
    if (opens) {
      route.openMs = route.status === 'half_open' ? Math.min(maxOpenMs, Math.max(route.openMs, openMs) * 2) : openMs
      route.openUntilMs = this.options.clock.nowMs() + route.openMs
      route.status = 'open'
      route.probeLeaseId = null
    }
    return this.show(route)
  }

  async reportSuccess(route: Route): Promise<void> {
    const { routes } = this.options.tables
    const index = routes.findIndex(({ provider, model }) => provider === route.provider && model === route.model)
    const known = routes[index]
    if (known && (known.status === 'closed' || this.isOwnProbe(known))) routes.splice(index, 1)
  }

  async takeProbe(wanted: Route): Promise<boolean> {
    const { tables, clock } = this.options
    const route = tables.routeOf(wanted)
    const isFree =
      (route.status === 'open' && route.openUntilMs <= clock.nowMs()) ||
      (route.status === 'half_open' && !tables.holdsLease(route.probeLeaseId ?? -1))
    if (!isFree || this.leaseId === null) return false
    route.status = 'half_open'
    route.probeLeaseId = this.leaseId
    return true
  }

  async returnProbe(wanted: Route): Promise<void> {
    const route = this.options.tables.routeOf(wanted)
    if (route.status !== 'half_open' || route.probeLeaseId !== this.leaseId) return
    route.status = 'open'
    route.probeLeaseId = null
  }

  /** The model has no meters. */
  async book(): Promise<void> {}

  onDue(listener: (lanes?: readonly Lane[]) => void): () => void {
    return this.options.onDue(listener)
  }

  /** Whoever starves at one gate does so at all of its gates. */
  private noteStarving(leaseId: number): void {
    const own = [...this.options.tables.gates.values()].flatMap(({ grants }) => grants.get(leaseId) ?? [])
    const before = own.flatMap(({ starvedSinceMs }) => starvedSinceMs ?? [])
    const isStarving = own.some(({ streams, wanted }) => streams === 0 && wanted > 0)
    const starvedSinceMs = isStarving ? Math.min(this.options.clock.nowMs(), ...before) : null
    for (const grant of own) grant.starvedSinceMs = starvedSinceMs
  }

  private decideGate({ gate, kept, inUse, wanted }: GateDemand, leaseId: number, decide: (state: GateState) => GateDecision): GateDecision {
    const { tables, clock } = this.options
    const known = this.gateOf(gate)
    const nowMs = clock.nowMs()
    const held = [...known.grants.values()].filter((grant) => tables.holdsLease(grant.leaseId))
    const toGrant = ({ starvedSinceMs, ...grant }: (typeof held)[number]): StreamGrant => ({
      ...grant,
      starvedMs: starvedSinceMs === null ? 0 : nowMs - starvedSinceMs,
    })
    const before = known.grants.get(leaseId)
    const own = { leaseId, streams: kept, inUse, wanted, starvedMs: this.starvedMsOf(leaseId) }
    const grants = [own, ...held.filter((grant) => grant.leaseId !== leaseId).map(toGrant)]
    const changedMs = known.changedAtMs === null ? null : nowMs - known.changedAtMs
    const decision = decide({ gate, adaptiveLimit: known.adaptiveLimit, changedMs, grants, ownLeaseId: leaseId })
    if (decision.adaptiveLimit !== known.adaptiveLimit) {
      known.adaptiveLimit = decision.adaptiveLimit
      known.changedAtMs = nowMs
    }
    known.grants.set(leaseId, { leaseId, streams: decision.streams, inUse, wanted, starvedSinceMs: before?.starvedSinceMs ?? null })
    return decision
  }

  private starvedMsOf(leaseId: number): number {
    const own = [...this.options.tables.gates.values()].flatMap(({ grants }) => grants.get(leaseId)?.starvedSinceMs ?? [])
    return own.length === 0 ? 0 : this.options.clock.nowMs() - Math.min(...own)
  }

  private gateOf(gate: string) {
    const { gates } = this.options.tables
    const known = gates.get(gate) ?? { adaptiveLimit: null, changedAtMs: null, loweredAtMs: null, grants: new Map() }
    gates.set(gate, known)
    return known
  }

  private show(known: ModelRoute): RouteState {
    const { openUntilMs, probeLeaseId: _, ...route } = known
    return { ...route, leftMs: openUntilMs - this.options.clock.nowMs(), isOwnProbe: this.isOwnProbe(known) }
  }

  private isOwnProbe({ status, probeLeaseId }: ModelRoute): boolean {
    return status === 'half_open' && probeLeaseId !== null && probeLeaseId === this.leaseId
  }
}
