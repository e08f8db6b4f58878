/** How a port retries a call that is safe to repeat. */
export interface RetrySettings {
  /** All tries, the first one included. */
  readonly attempts: number
  /** No try starts later than this after the first one. A try that is under way is not cut off. */
  readonly budgetMs: number
  /** The upper bound of the first wait; it doubles with every further one. */
  readonly initialDelayMs: number
  readonly maxDelayMs: number
}

/** Throws RangeError, since wrong values here are a defect of the settings section that let them through. */
export function checkRetrySettings({ attempts, budgetMs, initialDelayMs, maxDelayMs }: RetrySettings): void {
  if (!Number.isInteger(attempts) || attempts < 1) throw new RangeError(`retry.attempts must be a whole number from 1 (got ${attempts})`)
  if (!(budgetMs >= 0)) throw new RangeError(`retry.budgetMs must be >= 0 (got ${budgetMs})`)
  if (!(initialDelayMs >= 0)) throw new RangeError(`retry.initialDelayMs must be >= 0 (got ${initialDelayMs})`)
  if (!(maxDelayMs >= initialDelayMs)) {
    throw new RangeError(`retry.maxDelayMs must be >= retry.initialDelayMs (got ${maxDelayMs} < ${initialDelayMs})`)
  }
}
