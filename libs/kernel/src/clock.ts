/** Time, given from outside so that tests can hold it. */
export abstract class Clock {
  /** Wall time in milliseconds since 1970: for people and for messages, never for measuring. */
  abstract nowMs(): number
  /** Milliseconds on a clock that never goes back: for measuring. */
  abstract monotonicMs(): number
}

export class SystemClock extends Clock {
  nowMs(): number {
    return Date.now()
  }

  monotonicMs(): number {
    return performance.now()
  }
}
