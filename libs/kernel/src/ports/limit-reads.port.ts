import type { Lane } from '../lane.js'
import type { RouteState, StreamGrant } from './admission-store.port.js'
import type { MeterCandidate, MeterKey, MeterLevel } from './metering.port.js'

/** Streams of a gate, as all replicas hold them. */
export interface GateUse {
  readonly gate: string
  /** How many streams the provider seems to bear; null: as many as are configured. */
  readonly adaptiveLimit: number | null
  /** Of the replicas whose leases are held. */
  readonly grants: readonly StreamGrant[]
}

/** What is to be read for one lane or more. */
export interface LimitKeys {
  readonly gates: readonly string[]
  readonly meters: readonly MeterKey[]
}

/** Calls of a lane that are under way, by their attempts. */
export interface LaneCalls {
  readonly lane: Lane
  readonly calls: number
}

/** What all replicas know together about limits, at one moment. A gate that nobody has asked for yet is not among them. */
export interface LimitFacts {
  /** PostgreSQL's time, in milliseconds since 1970. */
  readonly nowMs: number
  readonly gates: readonly GateUse[]
  /**
   * Of every lane. What replicas say is in use (`gates`) is more: a claim holds streams for as many tasks as it might find, also where its
   * meters then let none pass.
   */
  readonly calls: readonly LaneCalls[]
  /** Routes whose breaker is not closed, or has counted failures. */
  readonly routes: readonly RouteState[]
  /** Of the meters that were asked for, those that have been used. */
  readonly levels: readonly MeterLevel[]
}

/** A lane with tasks that are due. */
export interface WaitingLane {
  readonly lane: Lane
  /** How many are due, up to what was asked for. */
  readonly dueTasks: number
  /** The one that goes first. */
  readonly first: MeterCandidate
}

/** Looks at limits, locks nothing and changes nothing. Rejects with TaskError `ledger_unavailable` while PostgreSQL is away. */
export abstract class LimitReads {
  abstract read(keys: LimitKeys): Promise<LimitFacts>
  /** Due tasks of each lane are counted up to `maxTasks`, since counting costs as much as there are. */
  abstract listWaitingLanes(maxTasks: number): Promise<WaitingLane[]>
}
