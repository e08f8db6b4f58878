const MIN_INTERVAL_MS = 1_000
/** Later would let far more than a cap in before it is noticed. */
const MAX_INTERVAL_MS = 10_000
/** So that samples are at most a twentieth of one core of PostgreSQL for each replica, however long the queue is. */
const REST_FACTOR = 20

/** How long to wait before the next sample, by what the last one has cost PostgreSQL. */
export function chooseSampleInterval(costMs: number): number {
  return Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, costMs * REST_FACTOR))
}
