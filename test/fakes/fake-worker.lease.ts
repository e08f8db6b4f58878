import { WorkerLease } from '#libs/kernel'

/** A lease that is held until the test loses it; then the next one begins. */
export class FakeWorkerLease extends WorkerLease {
  isFresh = true
  override fence: number | null = 1
  private held = new AbortController()

  override signal(): AbortSignal {
    return this.held.signal
  }

  lose(reason: unknown): void {
    const lost = this.held
    this.held = new AbortController()
    lost.abort(reason)
  }
}
