/** A renewal that takes longer than the time to the next one is given up: the next one goes out on a new connection. */
export function makeRenewalLimits(leaseDurationMs: number) {
  const limitMs = Math.max(500, Math.round(leaseDurationMs / 4))
  return { poolSize: 1, connectTimeoutMs: limitMs, statementTimeoutMs: limitMs, queryTimeoutMs: limitMs + 100 }
}
