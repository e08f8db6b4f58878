import type { IBackoff } from 'cockatiel'
import type { Clock } from '#libs/kernel'

/**
 * How long a breaker stays open, by the monotonic clock. cockatiel compares its duration with the wall clock, which may be set back by an
 * hour while it is open; so the duration is endless until the period is over.
 */
export class OpenPeriod implements IBackoff<unknown> {
  private untilMs = Number.NEGATIVE_INFINITY

  constructor(
    private readonly openMs: number,
    private readonly clock: Clock,
  ) {}

  /** Begins: cockatiel asks for it as it opens. */
  next(): this {
    this.untilMs = this.clock.monotonicMs() + this.openMs
    return this
  }

  get duration(): number {
    return this.remainingMs > 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
  }

  get remainingMs(): number {
    return Math.max(0, this.untilMs - this.clock.monotonicMs())
  }
}
