import type { Lane } from '#libs/kernel'

interface Waiter {
  readonly lane: Lane
  readonly give: () => void
  readonly refuse: (error: Error) => void
}

/** Those that wait for one stream each, first in, first out among those that need the same. */
export class StreamWaiters {
  private readonly waiters = new Set<Waiter>()

  /** Resolves when a stream was given. Rejects with the signal's reason or with what `refuse` says. */
  wait(lane: Lane, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = () => {
        signal.removeEventListener('abort', leave)
        this.waiters.delete(waiter)
      }
      const leave = () => {
        end()
        reject(signal.reason as Error)
      }
      const waiter = {
        lane,
        give: () => {
          end()
          resolve()
        },
        refuse: (error: Error) => {
          end()
          reject(error)
        },
      }
      signal.addEventListener('abort', leave, { once: true })
      this.waiters.add(waiter)
    })
  }

  get lanes(): readonly Lane[] {
    return [...this.waiters].map(({ lane }) => lane)
  }

  /** `take` says whether there is a stream for a lane, and takes it; an error: it must not wait any longer. */
  serve(take: (lane: Lane) => boolean | Error): void {
    for (const waiter of this.waiters) {
      const taken = take(waiter.lane)
      if (taken === true) waiter.give()
      else if (taken !== false) waiter.refuse(taken)
    }
  }
}
