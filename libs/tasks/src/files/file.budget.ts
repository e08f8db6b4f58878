import { Inject, Injectable } from '@nestjs/common'
import { runSettings, type RunSettings } from '../run/run.settings.js'

interface Waiter {
  readonly bytes: number
  readonly give: () => void
}

/**
 * How many bytes of files may be in hand, over all tasks of this replica. First come, first served: small tasks do not overtake a large one
 * for ever. A task that is larger than the whole budget counts as the whole of it, and so runs alone.
 *
 * free -> in hand  take, when nobody waits and there is room
 * waiting -> in hand  in turn, when a share was given back; an abort leaves the queue
 *
 * One take for all files of a task: tasks that hold a part and wait for more would wait for each other.
 */
@Injectable()
export class FileBudget {
  private usedBytes = 0
  private readonly waiting = new Set<Waiter>()

  constructor(@Inject(runSettings.KEY) private readonly settings: RunSettings) {}

  get inHandBytes(): number {
    return this.usedBytes
  }

  /** Waits for room. Disposing of the result gives it back, once. Rejects with the signal's reason. */
  async take(sizeBytes: number, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted()
    const bytes = Math.min(sizeBytes, this.settings.filesInHandBytes)
    if (bytes > 0 && (this.waiting.size > 0 || !this.hasRoom(bytes))) await this.wait(bytes, signal)
    else this.usedBytes += bytes
    return this.makeShare(bytes)
  }

  private hasRoom(bytes: number): boolean {
    return this.usedBytes + bytes <= this.settings.filesInHandBytes
  }

  private wait(bytes: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.waiting.delete(waiter)
        this.serve()
        reject(signal.reason as Error)
      }
      const give = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const waiter: Waiter = { bytes, give }
      this.waiting.add(waiter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  private makeShare(bytes: number): Disposable {
    let left = bytes
    return {
      [Symbol.dispose]: () => {
        this.usedBytes -= left
        left = 0
        this.serve()
      },
    }
  }

  private serve(): void {
    for (const waiter of this.waiting) {
      if (!this.hasRoom(waiter.bytes)) return
      this.waiting.delete(waiter)
      this.usedBytes += waiter.bytes
      waiter.give()
    }
  }
}
