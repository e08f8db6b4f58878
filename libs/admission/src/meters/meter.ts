import type { MeterKey, MeterLevel, Reservation } from '#libs/kernel'

/** A limit on what calls use over time. Amounts in PostgreSQL mean what `kind` says. */
export interface Meter extends MeterKey {
  /**
   * requests, tokens: a bucket; the amount is what may still be taken, and grows with time.
   * max_tokens, money: a budget of a day; the amount is what is spent or reserved.
   */
  readonly kind: 'requests' | 'tokens' | 'max_tokens' | 'money'
  /** Per minute, or per day. */
  readonly limit: number
}

const MINUTE_MS = 60_000
/** The part of a minute's limit that may come at once. */
const BURST_PART = 1 / 12

/**
 * How a bucket must be filled so that no minute, wherever it begins, passes the limit: what may come at once and what flows in during
 * the minute make the limit together. Requests are whole: nearly one more may flow in without a further one coming out.
 */
export function makeBucket({ kind, limit }: Pick<Meter, 'kind' | 'limit'>): { readonly capacity: number; readonly perMs: number } {
  const capacity = Math.max(1, limit * BURST_PART)
  const spare = kind === 'requests' ? 0.98 : 0
  return { capacity, perMs: Math.max(limit + spare - capacity, 0.01) / MINUTE_MS }
}

export function isBucket({ kind }: Pick<Meter, 'kind'>): boolean {
  return kind === 'requests' || kind === 'tokens'
}

/** What may be taken now; of a budget what is left of the day. It may be less than nothing: debts of calls that used more than was thought. */
export function readLeft(meter: Meter, { amount, sinceMs }: Pick<MeterLevel, 'amount' | 'sinceMs'>): number {
  if (!isBucket(meter)) return meter.limit - (amount ?? 0)
  const { capacity, perMs } = makeBucket(meter)
  return amount === null ? capacity : Math.min(capacity, amount + sinceMs * perMs)
}

/** The amount that leaves so much. */
export function makeAmount(meter: Meter, left: number): number {
  return isBucket(meter) ? left : meter.limit - left
}

/** What a call takes of a meter. undefined: that cannot be known. */
export function costOf({ kind }: Pick<Meter, 'kind'>, { tokens, maxTokens, money }: Reservation): number | undefined {
  switch (kind) {
    case 'requests':
      return 1
    case 'tokens':
      return tokens
    case 'max_tokens':
      return maxTokens
    case 'money':
      return money ?? undefined
  }
}

/** A call that is larger than the bucket passes when the bucket is full; it leaves a debt. */
export function mayTake(meter: Meter, left: number, cost: number): boolean {
  return left >= (isBucket(meter) ? Math.min(cost, makeBucket(meter).capacity) : cost)
}

/** When so much may be taken, as far as can be known; a budget's day is over at midnight UTC. */
export function estimateWaitMs(meter: Meter, left: number, { cost, nowMs }: { readonly cost: number; readonly nowMs: number }): number {
  if (!isBucket(meter)) return MINUTE_MS * 60 * 24 - (nowMs % (MINUTE_MS * 60 * 24))
  const { capacity, perMs } = makeBucket(meter)
  return Math.ceil((Math.min(cost, capacity) - left) / perMs)
}
