import type { BilledCall } from '#tools/rig'

interface Interval {
  readonly startMs: number
  readonly endMs: number
}

/** When streams of the provider were in use, by its own bill. */
export class StreamUsage {
  private readonly calls: readonly Interval[]

  constructor(calls: readonly BilledCall[]) {
    this.calls = calls
      .filter(({ duration_ms: durationMs }) => durationMs !== null)
      .map(({ time, duration_ms: durationMs }) => ({ startMs: Date.parse(time), endMs: Date.parse(time) + durationMs! }))
      .toSorted((a, b) => a.startMs - b.startMs)
  }

  get firstStartMs(): number {
    return this.calls[0]!.startMs
  }

  get lastStartMs(): number {
    return this.calls.at(-1)!.startMs
  }

  /** How many were in use on average. */
  mean({ startMs, endMs }: Interval): number {
    const usedMs = this.calls.reduce((sum, call) => sum + Math.max(0, Math.min(call.endMs, endMs) - Math.max(call.startMs, startMs)), 0)
    return usedMs / (endMs - startMs)
  }

  /** The first moment from `fromMs` on at which so many were in use; Infinity: there is none. */
  firstAt(count: number, fromMs: number): number {
    const moments = this.calls.map(({ startMs }) => startMs).filter((ms) => ms >= fromMs)
    return moments.find((ms) => this.most({ startMs: ms, endMs: ms + 1 }) >= count) ?? Number.POSITIVE_INFINITY
  }

  /** The most that were in use at once. */
  most({ startMs, endMs }: Interval): number {
    const within = this.calls.filter((call) => call.endMs > startMs && call.startMs < endMs)
    const countAt = (ms: number) => within.filter((call) => call.startMs <= ms && ms < call.endMs).length
    return Math.max(0, ...within.map((call) => countAt(Math.max(startMs, call.startMs))))
  }
}
