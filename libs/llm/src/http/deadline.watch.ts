import type { Clock } from '#libs/kernel'

/** Something that must be told when its time is over. */
export interface Expiring {
  /** On the watch's clock. May be moved at any time. */
  readonly dueAtMs: number
  expire(): void
}

const TICK_MS = 25

/**
 * The deadlines of all calls in flight on one timer: moving a deadline is an assignment, and a call costs one insertion into a Set
 * instead of a timer per phase. It trades precision (one tick) for that.
 *
 * idle     no calls, no timer
 * watching the first `add` starts the timer; each tick looks at every call; the tick that finds none stops it
 *
 * A call that is due is looked at again behind the next poll of the sockets: after a process has stood still, the answers that wait in
 * its sockets are read before anything expires, instead of being thrown away.
 */
export class DeadlineWatch {
  private readonly calls = new Set<Expiring>()
  private timer: NodeJS.Timeout | undefined

  constructor(private readonly clock: Clock) {}

  nowMs(): number {
    return this.clock.monotonicMs()
  }

  add(call: Expiring): void {
    this.calls.add(call)
    // The sockets of the calls keep the process alive, the timer need not.
    this.timer ??= setInterval(() => this.tick(), TICK_MS).unref()
  }

  remove(call: Expiring): void {
    this.calls.delete(call)
  }

  private tick(): void {
    if (this.calls.size === 0) {
      clearInterval(this.timer)
      this.timer = undefined
      return
    }
    if (this.isAnyDue()) setImmediate(() => this.expireDue())
  }

  private isAnyDue(): boolean {
    const now = this.nowMs()
    for (const call of this.calls) if (call.dueAtMs <= now) return true
    return false
  }

  private expireDue(): void {
    const now = this.nowMs()
    for (const call of this.calls) if (call.dueAtMs <= now) call.expire()
  }
}
