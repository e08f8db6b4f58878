import { StreamGate } from '#libs/kernel'

/**
 * Counts the streams of this replica. Waiters are served first in, first out, before anybody who takes what is free.
 *
 * free -> in use   takeUpTo or acquire
 * in use -> free   release; goes straight to the longest waiter, if there is one
 */
export class LocalStreamGate extends StreamGate {
  private used = 0
  private readonly waiters = new Set<() => void>()
  private readonly listeners = new Set<() => void>()

  constructor(readonly limit: number) {
    super()
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`the limit of streams must be at least 1 (got ${limit})`)
  }

  get inUse(): number {
    return this.used
  }

  takeUpTo(wanted: number): number {
    if (this.waiters.size > 0) return 0
    const taken = Math.max(0, Math.min(wanted, this.limit - this.used))
    this.used += taken
    return taken
  }

  acquire(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error)
    if (this.takeUpTo(1) === 1) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const give = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        this.waiters.delete(give)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', leave, { once: true })
      this.waiters.add(give)
    })
  }

  release(count = 1): void {
    if (count > this.used) throw new RangeError(`${count} streams were released, but only ${this.used} are in use`)
    let free = count
    for (const give of this.waiters) {
      if (free === 0) return
      this.waiters.delete(give)
      free--
      give()
    }
    if (free === 0) return
    this.used -= free
    this.listeners.forEach((listener) => listener())
  }

  onFree(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}
