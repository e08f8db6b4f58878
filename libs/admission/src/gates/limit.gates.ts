import { LaneGates, type GateReading, type Lane, type LimitFacts, type LimitKeys, type MeterCandidate } from '#libs/kernel'
import type { Limits } from '../limits/limits.js'
import { makeMeteredLane } from '../meters/metered-lane.js'
import { readBreaker } from './read-breaker.js'
import { readMeter } from './read-meter.js'
import { readStreams } from './read-streams.js'

export interface LimitGatesOptions {
  readonly limits: Limits
  /** How much calls of a lane really use of what is estimated for them; 1 where that is not known, which is on the safe side. */
  readonly ratioOf: (lane: Lane) => number
  /** Why limits are not known, each for a lane; left out where all are. */
  readonly unknownOf?: (lane: Lane) => readonly string[]
}

/** What admission would decide for a lane, with its own arithmetic, on what PostgreSQL says. It takes nothing. */
export class LimitGates extends LaneGates {
  constructor(private readonly options: LimitGatesOptions) {
    super()
  }

  keysOf(lane: Lane): LimitKeys {
    const { limits } = this.options
    return { gates: limits.gatesOf(lane).map(({ gate }) => gate), meters: limits.metersOf(lane) }
  }

  read(lane: Lane, { nowMs, routes, gates, calls, levels }: LimitFacts, candidates: readonly MeterCandidate[]): readonly GateReading[] {
    const { limits, ratioOf } = this.options
    const { meters, reserve } = makeMeteredLane(limits, lane, () => ratioOf(lane))
    const reservations = candidates.filter(({ needsCall }) => needsCall).map(({ estimatedTokens }) => reserve(estimatedTokens))
    return [
      readBreaker(lane, routes),
      ...limits.gatesOf(lane).map((limit) =>
        readStreams(limit, {
          use: gates.find(({ gate }) => gate === limit.gate),
          calls: calls.reduce((sum, of) => sum + (this.passes(of.lane, limit.gate) ? of.calls : 0), 0),
        }),
      ),
      ...meters.map((meter) =>
        readMeter(
          meter,
          levels.find((level) => level.meter === meter.meter),
          { reservations, nowMs },
        ),
      ),
    ]
  }

  unknownOf(lane: Lane): readonly string[] {
    return this.options.unknownOf?.(lane) ?? []
  }

  private passes(lane: Lane, name: string): boolean {
    return this.options.limits.gatesOf(lane).some(({ gate }) => gate === name)
  }
}
