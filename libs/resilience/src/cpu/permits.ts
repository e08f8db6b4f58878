/** A counting semaphore, first come first served. The caller gives back every permit that it got. */
export class Permits {
  private readonly waiting: (() => void)[] = []

  constructor(private free: number) {}

  /** Resolves with a permit, or rejects with the signal's reason without one. */
  acquire(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
    if (this.free > 0) {
      this.free--
      return Promise.resolve()
    }
    return new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.waiting.splice(this.waiting.indexOf(grant), 1)
        reject(signal?.reason as Error)
      }
      const grant = () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      this.waiting.push(grant)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  release(): void {
    const next = this.waiting.shift()
    if (next === undefined) this.free++
    else next()
  }
}
