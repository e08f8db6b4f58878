import type { Lane } from '../lane.js'
import type { LimitFacts, LimitKeys } from './limit-reads.port.js'
import type { MeterCandidate } from './metering.port.js'

/** How one gate of a lane stands. */
export interface GateReading {
  /** As metrics name it, as in `credential:gigachat`. */
  readonly gate: string
  /** As a person reads it, as in `streams gigachat`. */
  readonly name: string
  /** What is in use or spent; of a limit per minute what may still be taken now, which is less than nothing after a call that was larger than thought. */
  readonly value: number
  /** null: it has none. */
  readonly limit: number | null
  readonly unit: string
  readonly blocks: boolean
  /** Until it may let the next call pass; null: nobody can know. */
  readonly waitMs: number | null
  readonly detail: string
}

/** The gates of admission, as they would decide on what was read. */
export abstract class LaneGates {
  /** What must be read for a lane. */
  abstract keysOf(lane: Lane): LimitKeys
  /** Every gate of the lane, in the order in which admission asks them. `candidates`: the task, then the one that goes before it. */
  abstract read(lane: Lane, facts: LimitFacts, candidates: readonly MeterCandidate[]): readonly GateReading[]
  /** Gates that it cannot judge because it was not told their limits, each with what to do about it. */
  abstract unknownOf(lane: Lane): readonly string[]
}
