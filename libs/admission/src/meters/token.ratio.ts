import { makeLaneKey, type Lane } from '#libs/kernel'

/** Of what was known before, when one more call is known. */
const KEPT = 0.98
/** So many tokens of estimates count as known at first, with the ratio 1. */
const FIRST_WEIGHT = 5_000

/** How much calls of a lane really use of what was estimated for them: estimates are on the safe side, and answers shorter than they may be. */
export class TokenRatio {
  private readonly sums = new Map<string, { used: number; estimated: number }>()

  of(lane: Lane): number {
    const sum = this.sums.get(makeLaneKey(lane))
    return sum ? sum.used / sum.estimated : 1
  }

  learn(lane: Lane, { used, estimated }: { readonly used: number; readonly estimated: number }): void {
    if (estimated <= 0) return
    const key = makeLaneKey(lane)
    const sum = this.sums.get(key) ?? { used: FIRST_WEIGHT, estimated: FIRST_WEIGHT }
    this.sums.set(key, { used: sum.used * KEPT + used, estimated: sum.estimated * KEPT + estimated })
  }
}
