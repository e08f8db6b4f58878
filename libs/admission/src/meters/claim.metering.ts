import { makeLaneKey } from '#libs/kernel'
import type { Admitted, Lane, MeterCandidate, MeterChange, Metering, MeterKey, MeterLevel, MeterRefusal, Reservation } from '#libs/kernel'
import { findRefusal } from './find-refusal.js'
import type { MeteredLane } from './metered-lane.js'
import { costOf, makeAmount, readLeft, type Meter } from './meter.js'

/** What one round of questions has used and found, lane by lane. */
interface Round {
  readonly left: Map<string, number>
  readonly changed: Set<Meter>
  readonly admitted: Map<string, number>
  /** The last of each lane. */
  readonly refusals: Map<string, { readonly refusal: MeterRefusal; readonly isDaily: boolean }>
  /** Buckets for which somebody waits. */
  readonly closed: Map<string, MeterRefusal>
}

const makeRound = (): Round => ({ left: new Map(), changed: new Set(), admitted: new Map(), refusals: new Map(), closed: new Map() })

/**
 * Meters the tasks of one claim, lane by lane in the order of their turns. Where a minute's limit is reached, whoever comes first waits for
 * it and nobody passes, of whatever lane, or a large task would never start. What is too large for the rest of a day's budget is passed by
 * smaller ones; what is too large for a whole day is admitted without a call, to be told so.
 */
export class ClaimMetering implements Metering {
  readonly meters: readonly MeterKey[]
  private readonly lanes: ReadonlyMap<string, MeteredLane>
  private round = makeRound()

  constructor(
    lanes: readonly MeteredLane[],
    private readonly nowMs: number,
  ) {
    this.lanes = new Map(lanes.map((lane) => [makeLaneKey(lane), lane]))
    this.meters = [...new Map(lanes.flatMap(({ meters }) => meters).map((meter) => [meter.meter, meter])).values()]
  }

  admit(levels: readonly MeterLevel[], candidates: readonly MeterCandidate[]) {
    this.round = makeRound()
    const admitted = candidates.flatMap((candidate) => this.admitOne(levels, candidate) ?? [])
    const changes = [...this.round.changed].map((meter): MeterChange => {
      const { day } = levelOf(levels, meter)
      return { meter: meter.meter, day, amount: makeAmount(meter, this.leftOf(levels, meter)) }
    })
    return { admitted, changes }
  }

  refusalOf(lane: Lane): MeterRefusal | undefined {
    return this.round.refusals.get(makeLaneKey(lane))?.refusal
  }

  mayLookFurther(lane: Lane): boolean {
    return this.round.refusals.get(makeLaneKey(lane))?.isDaily ?? false
  }

  private admitOne(levels: readonly MeterLevel[], candidate: MeterCandidate): Admitted | undefined {
    const key = makeLaneKey(candidate.lane)
    const { admitted, refusals } = this.round
    const count = admitted.get(key) ?? 0
    if (candidate.room !== undefined && count >= candidate.room) return undefined
    const found = this.judge(levels, candidate)
    if (!found) return undefined
    admitted.set(key, count + 1)
    // All that there was room for has passed: nothing holds the lane up.
    if (count + 1 === candidate.room) refusals.delete(key)
    return { id: candidate.id, ...found }
  }

  private judge(levels: readonly MeterLevel[], { lane: of, needsCall, estimatedTokens }: MeterCandidate): Omit<Admitted, 'id'> | undefined {
    if (!needsCall) return { reservation: null }
    const key = makeLaneKey(of)
    const { refusals, closed, left, changed } = this.round
    const { meters = [], reserve } = this.lanes.get(key) ?? {}
    const reservation = reserve?.(estimatedTokens) ?? { tokens: estimatedTokens, maxTokens: estimatedTokens, money: null }
    const exceeded = meters.find((meter) => isBeyondDay(meter, reservation))
    if (exceeded)
      return { reservation: null, exceeds: { gate: exceeded.meter, cost: costOf(exceeded, reservation)!, limit: exceeded.limit } }
    for (const meter of meters) {
      const refusal = closed.get(meter.meter) ?? findRefusal(meter, this.leftOf(levels, meter), { reservation, nowMs: this.nowMs })
      if (!refusal) continue
      if (!meter.isDaily) closed.set(meter.meter, refusal)
      refusals.set(key, { refusal, isDaily: meter.isDaily })
      return undefined
    }
    for (const meter of meters) {
      left.set(meter.meter, this.leftOf(levels, meter) - costOf(meter, reservation)!)
      changed.add(meter)
    }
    return { reservation }
  }

  private leftOf(levels: readonly MeterLevel[], meter: Meter): number {
    return this.round.left.get(meter.meter) ?? readLeft(meter, levelOf(levels, meter))
  }
}

function levelOf(levels: readonly MeterLevel[], { meter }: Meter): MeterLevel {
  return levels.find((level) => level.meter === meter)!
}

function isBeyondDay(meter: Meter, reservation: Reservation): boolean {
  return meter.isDaily && (costOf(meter, reservation) ?? 0) > meter.limit
}
