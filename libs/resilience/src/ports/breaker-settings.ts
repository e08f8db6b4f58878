/** When a port counts as away. */
export interface BreakerSettings {
  /** So many failures that say so, with no success between them. */
  readonly failures: number
  /** How long no call is made then; after that one may probe. */
  readonly openMs: number
}

/** Throws RangeError, since wrong values here are a defect of the settings section that let them through. */
export function checkBreakerSettings({ failures, openMs }: BreakerSettings): void {
  if (!Number.isInteger(failures) || failures < 1) throw new RangeError(`breaker.failures must be a whole number from 1 (got ${failures})`)
  if (!(openMs > 0)) throw new RangeError(`breaker.openMs must be > 0 (got ${openMs})`)
}
