/**
 * A time of PostgreSQL's clock, by the clock of this process: both are milliseconds since 1970, and `ledgerNowMs` is now by the former. So
 * a replica whose clock is wrong lets no task expire early, nor pays for one that is late.
 */
export function toOwnClock(timeMs: number | null, ledgerNowMs: number): number | null {
  return timeMs === null ? null : timeMs - ledgerNowMs + Date.now()
}
