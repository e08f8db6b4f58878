import { Clock } from '#libs/kernel'

/** Time that stands still until the test moves it. */
export class ManualClock extends Clock {
  private elapsedMs = 0

  override nowMs(): number {
    return this.elapsedMs
  }

  override monotonicMs(): number {
    return this.elapsedMs
  }

  advance(ms: number): void {
    this.elapsedMs += ms
  }
}
