import { makeLaneKey } from '#libs/kernel'
import type { Admitted, Lane, MeterCandidate, MeterChange, Metering, MeterKey, MeterLevel, MeterRefusal } from '#libs/kernel'
import { findRefusal } from './find-refusal.js'
import type { MeteredLane } from './metered-lane.js'
import { costOf, makeAmount, readLeft, type Meter } from './meter.js'

/**
 * Meters the tasks of one claim. Tasks of a lane pass in their order: one that must wait keeps those behind it waiting, or a large one would
 * never pass.
 */
export class ClaimMetering implements Metering {
  readonly meters: readonly MeterKey[]
  private readonly lanes: ReadonlyMap<string, MeteredLane>
  private readonly refusals = new Map<string, MeterRefusal>()

  constructor(
    lanes: readonly MeteredLane[],
    private readonly nowMs: number,
  ) {
    this.lanes = new Map(lanes.map((lane) => [makeLaneKey(lane), lane]))
    this.meters = [...new Map(lanes.flatMap(({ meters }) => meters).map((meter) => [meter.meter, meter])).values()]
  }

  admit(levels: readonly MeterLevel[], candidates: readonly MeterCandidate[]) {
    const left = new Map<string, number>()
    const changed = new Set<Meter>()
    const levelOf = (meter: Meter) => levels.find((level) => level.meter === meter.meter)!
    const leftOf = (meter: Meter) => left.get(meter.meter) ?? readLeft(meter, levelOf(meter))
    const admitted = candidates.flatMap((candidate): Admitted[] => {
      if (!candidate.needsCall) return [{ id: candidate.id, reservation: null }]
      const lane = this.lanes.get(makeLaneKey(candidate.lane))
      if (this.refusalOf(candidate.lane)) return []
      const reservation = lane?.reserve(candidate.estimatedTokens) ?? {
        tokens: candidate.estimatedTokens,
        maxTokens: candidate.estimatedTokens,
        money: null,
      }
      const refusal = lane?.meters
        .map((meter) => findRefusal(meter, leftOf(meter), { reservation, nowMs: this.nowMs }))
        .find((found) => found !== undefined)
      if (refusal) {
        this.refusals.set(makeLaneKey(candidate.lane), refusal)
        return []
      }
      for (const meter of lane?.meters ?? []) {
        left.set(meter.meter, leftOf(meter) - costOf(meter, reservation)!)
        changed.add(meter)
      }
      return [{ id: candidate.id, reservation }]
    })
    const changes = [...changed].map((meter): MeterChange => {
      const { day } = levelOf(meter)
      return { meter: meter.meter, day, amount: makeAmount(meter, left.get(meter.meter)!) }
    })
    return { admitted, changes }
  }

  refusalOf(lane: Lane): MeterRefusal | undefined {
    return this.refusals.get(makeLaneKey(lane))
  }
}
