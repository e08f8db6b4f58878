import type { ErrorCode } from '#libs/contracts'
import type { Lane } from '../lane.js'
import type { Booking } from './metering.port.js'

/** What this replica has of a gate, and would like to have. */
export interface GateDemand {
  readonly gate: string
  /** Streams that this replica has kept for itself: never more than it was granted, never fewer than are in use. */
  readonly kept: number
  readonly inUse: number
  readonly wanted: number
}

/** What one replica holds of a gate. */
export interface StreamGrant {
  readonly leaseId: number
  readonly streams: number
  readonly inUse: number
  readonly wanted: number
  /** For how long it has wanted streams of some gate, this one or another, and had none; 0: it does not. The same in all its gates. */
  readonly starvedMs: number
}

/** A gate, locked, with the grants of all replicas whose leases are held. */
export interface GateState {
  readonly gate: string
  /** How many streams the provider seems to bear; null: as many as are configured. */
  readonly adaptiveLimit: number | null
  /** Since the limit was last changed; null: never. */
  readonly changedMs: number | null
  /** This replica's own among them, with its new demand. */
  readonly grants: readonly StreamGrant[]
  readonly ownLeaseId: number
}

export interface GateDecision {
  /** What this replica has from now on. */
  readonly streams: number
  /** What it should have, once others have given back. Less than `streams`: it should give back. */
  readonly fair: number
  readonly adaptiveLimit: number | null
}

export interface GateShare extends GateDecision {
  readonly gate: string
}

export interface BalanceResult {
  readonly leaseId: number
  readonly shares: readonly GateShare[]
}

/** Provider and model: what fails together. */
export type Route = Pick<Lane, 'provider' | 'model'>

export type RouteStatus = 'closed' | 'open' | 'half_open'

/** The breaker of a route, which all replicas share. */
export interface RouteState extends Route {
  readonly status: RouteStatus
  /** Failures one after the other. */
  readonly failures: number
  /** The error that opened it. */
  readonly reason: ErrorCode | null
  /** How long it was opened for last; the next time is longer. */
  readonly openMs: number
  /** Until a probe may be sent; 0 or less: now. */
  readonly leftMs: number
  /** This replica has the right to the probe. */
  readonly isOwnProbe: boolean
}

export interface RouteFailure extends Route {
  /** How many calls have failed since the last report. */
  readonly failures: number
  readonly reason: ErrorCode
  /** From so many failures on it opens; 1: at once. */
  readonly threshold: number
  readonly openMs: number
  /** Every time that it opens again the period doubles, up to this. */
  readonly maxOpenMs: number
}

/**
 * What all replicas know together about limits. Every method rejects with TaskError `ledger_unavailable` (retryable) while PostgreSQL is
 * away; all of them may be called again with the same arguments.
 */
export abstract class AdmissionStore {
  /** The lease under which this replica holds its streams; null: none. */
  abstract readonly leaseId: number | null
  /**
   * Tells what this replica has of each gate and takes what `decide` gives it, one gate after the other under their locks. null: no lease
   * is held, so nothing is.
   */
  abstract balance(demands: readonly GateDemand[], decide: (state: GateState) => GateDecision): Promise<BalanceResult | null>
  /** A call that was sent `ageMs` ago has met the limit of the provider. Calls that were sent before it was last lowered say nothing new. */
  abstract lowerLimit(gate: string, change: { readonly ageMs: number; readonly from: number; readonly factor: number }): Promise<void>
  /** Lanes with tasks that are due. */
  abstract listDueLanes(): Promise<Lane[]>
  /** Routes whose breaker is not closed, or has counted failures. */
  abstract readRoutes(): Promise<RouteState[]>
  /** Changes nothing where the route is open, or where another replica probes it: these calls were sent before. */
  abstract reportFailure(failure: RouteFailure): Promise<RouteState>
  /** A call has come back: its failures are forgotten, and where it was the probe of this replica the route is closed. */
  abstract reportSuccess(route: Route): Promise<void>
  /** Takes the right to send the one probe of an open route whose time is up. false: it is not, or another replica has it. */
  abstract takeProbe(route: Route): Promise<boolean>
  /** Nothing was sent with the right to a probe: any replica may take it. */
  abstract returnProbe(route: Route): Promise<void>
  /** Books what attempts have used; each once, however often it is asked to. */
  abstract book(booking: Booking): Promise<void>
  /** Calls the listener when tasks may have become due, with their lanes where they are known. Returns how to stop that. */
  abstract onDue(listener: (lanes?: readonly Lane[]) => void): () => void
}
