import { StreamGate } from '#libs/kernel'

/** Counts streams, and fails a test that releases more than are in use. Waiters are served when `release` makes room. */
export class FakeStreamGate extends StreamGate {
  inUse = 0
  /** All releases so far, in streams. */
  released = 0
  private readonly waiters: (() => void)[] = []
  private readonly listeners = new Set<() => void>()

  constructor(readonly limit = 10) {
    super()
  }

  get listenerCount(): number {
    return this.listeners.size
  }

  takeUpTo(wanted: number): number {
    const taken = Math.max(0, Math.min(wanted, this.limit - this.inUse))
    this.inUse += taken
    return taken
  }

  acquire(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error)
    if (this.takeUpTo(1) === 1) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.waiters.push(resolve)
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
  }

  release(count = 1): void {
    if (count > this.inUse) throw new Error(`${count} streams were released, but only ${this.inUse} are in use`)
    this.released += count
    const served = this.waiters.splice(0, count)
    this.inUse -= count - served.length
    for (const give of served) give()
    if (served.length < count) for (const listener of this.listeners) listener()
  }

  onFree(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}
