import type { RetrySettings } from './retry-settings.js'

/** Beyond it the bound has long been reached; 2 to its power must stay a number. */
const MAX_DOUBLINGS = 30

/**
 * A random wait in milliseconds between 0 and a bound that doubles with each try up to `maxDelayMs`
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), so that callers that failed together do not come back
 * together. `retry` is 1-based: 1 is the wait after the first failure. `random` is from 0 up to 1.
 */
export function makeFullJitterMs(
  retry: number,
  { initialDelayMs, maxDelayMs }: Pick<RetrySettings, 'initialDelayMs' | 'maxDelayMs'>,
  random: () => number,
): number {
  return Math.floor(random() * Math.min(maxDelayMs, initialDelayMs * 2 ** Math.min(retry - 1, MAX_DOUBLINGS)))
}
