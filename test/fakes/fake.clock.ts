import { Clock } from '#libs/kernel'

/** Stands still until the test moves it. */
export class FakeClock extends Clock {
  constructor(private ms = Date.UTC(2026, 0, 2, 3, 4, 5)) {
    super()
  }

  nowMs(): number {
    return this.ms
  }

  monotonicMs(): number {
    return this.ms
  }

  advance(byMs: number): void {
    this.ms += byMs
  }
}
