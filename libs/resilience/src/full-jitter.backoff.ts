import { DelegateBackoff, type IRetryBackoffContext } from 'cockatiel'
import { TaskError } from '#libs/kernel'
import type { RetrySettings } from './retry-settings.js'

interface FullJitterOptions extends Pick<RetrySettings, 'initialDelayMs' | 'maxDelayMs'> {
  readonly random: () => number
  /** What is left of the budget: no wait is longer. */
  readonly remainingMs: () => number
}

/**
 * A random wait between 0 and a bound that doubles (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), but never
 * shorter than a Retry-After.
 */
export function makeFullJitterBackoff(options: FullJitterOptions): DelegateBackoff<IRetryBackoffContext<unknown>> {
  const { initialDelayMs, maxDelayMs, random, remainingMs } = options
  return new DelegateBackoff(({ attempt, result }) => {
    const boundMs = Math.min(maxDelayMs, initialDelayMs * 2 ** (attempt - 1))
    const jitteredMs = Math.floor(random() * boundMs)
    const error = 'error' in result ? result.error : undefined
    const askedMs = error instanceof TaskError ? (error.retryAfterMs ?? 0) : 0
    return Math.max(0, Math.min(Math.max(jitteredMs, askedMs), remainingMs()))
  })
}
