import type { Lane, Reservation } from '#libs/kernel'
import type { Limits } from '../limits/limits.js'
import type { Meter } from './meter.js'

export interface MeteredLane extends Lane {
  readonly meters: readonly Meter[]
  readonly reserve: (estimatedTokens: number) => Reservation
}

/** `ratio`: how much calls of the lane really use of what is estimated for them. */
export function makeMeteredLane(limits: Limits, { provider, model, tenant }: Lane, ratio: () => number): MeteredLane {
  const lane = { provider, model, tenant }
  const price = limits.priceOf(lane)
  const dearest = price && Math.max(price.promptPer1k, price.completionPer1k)
  return {
    ...lane,
    meters: limits.metersOf(lane),
    reserve: (estimatedTokens) => ({
      tokens: Math.ceil(estimatedTokens * ratio()),
      maxTokens: estimatedTokens,
      money: dearest === undefined ? null : (estimatedTokens * dearest) / 1_000,
    }),
  }
}
