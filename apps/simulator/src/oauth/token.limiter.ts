const WINDOW_MS = 1000

/** Token requests of each credential: how many came within the last second, and how many are in work. */
export class TokenLimiter {
  readonly #recent = new Map<string, number[]>()
  readonly #inWork = new Map<string, number>()

  /** False where the request must be answered 429; a true one must be ended by `leave`. */
  enter(credential: string, limits: { requestsPerSecond: number; maxConcurrent: number }): boolean {
    const now = Date.now()
    const recent = (this.#recent.get(credential) ?? []).filter((time) => time > now - WINDOW_MS)
    const inWork = this.#inWork.get(credential) ?? 0
    this.#recent.set(credential, recent)
    if (limits.requestsPerSecond > 0 && recent.length >= limits.requestsPerSecond) return false
    if (limits.maxConcurrent > 0 && inWork >= limits.maxConcurrent) return false
    recent.push(now)
    this.#inWork.set(credential, inWork + 1)
    return true
  }

  leave(credential: string): void {
    const left = (this.#inWork.get(credential) ?? 1) - 1
    if (left > 0) this.#inWork.set(credential, left)
    else this.#inWork.delete(credential)
  }

  /** Only the history: what is in work will still leave. */
  clear(): void {
    this.#recent.clear()
  }
}
