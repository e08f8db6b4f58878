/**
 * The calls in flight of one credential. A stream is taken when a call is admitted and given back before the last byte of its answer
 * goes out, or when the client disconnects: a client that waits for the last byte must never be refused its next call.
 */
export class StreamGate {
  inUse = 0
  /** The largest `inUse` so far. */
  peak = 0
  refused = 0

  constructor(
    readonly credential: string,
    readonly scope: string,
    /** 0 = no limit. */
    public limit: number,
  ) {}

  enter(): boolean {
    if (this.limit > 0 && this.inUse >= this.limit) {
      this.refused++
      return false
    }
    this.inUse++
    if (this.inUse > this.peak) this.peak = this.inUse
    return true
  }

  leave(): void {
    this.inUse--
  }

  /** Streams in use stay in use: only the history is forgotten. */
  forgetHistory(): void {
    this.peak = this.inUse
    this.refused = 0
  }
}
