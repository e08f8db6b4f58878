export interface BackoffLimits {
  readonly minDelayMs: number
  readonly maxDelayMs: number
}

/** Full jitter: anything from 0 to the doubled delay, so that replicas that failed together do not come back together. `attempt` is 1-based. */
export function makeJitteredDelayMs(attempt: number, { minDelayMs, maxDelayMs }: BackoffLimits, random: () => number): number {
  return Math.round(random() * Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(attempt - 1, 30)))
}
