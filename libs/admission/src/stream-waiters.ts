import { makeLaneKey, type Lane } from '#libs/kernel'

interface Waiter {
  readonly lane: Lane
  readonly give: () => void
  readonly refuse: (error: Error) => void
}

/** Those that wait for one stream each: lanes by their turns, and those of one lane in the order in which they came. */
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

  /**
   * `take` says whether there is a stream for a lane, and takes it; an error: it must not wait any longer. `nextOf` says which lane is the
   * next of some.
   */
  serve(take: (lane: Lane) => boolean | Error, nextOf: (lanes: readonly Lane[]) => Lane | undefined): void {
    const byLane = Map.groupBy(this.waiters, ({ lane }) => makeLaneKey(lane))
    for (;;) {
      const lane = nextOf([...byLane.values()].map(([first]) => first!.lane))
      if (!lane) return
      const key = makeLaneKey(lane)
      const [first, ...others] = byLane.get(key)!
      const taken = take(lane)
      if (taken === true) first!.give()
      else if (taken !== false) first!.refuse(taken)
      if (taken === false || others.length === 0) byLane.delete(key)
      else byLane.set(key, others)
    }
  }
}
