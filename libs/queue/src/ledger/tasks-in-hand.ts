import type { ClaimedTask, TaskContext } from '#libs/kernel'

/** A character of a JavaScript string, where not all of them are Latin. */
const BYTES_PER_CHARACTER = 2

/**
 * The tasks that this replica holds, bounded in the memory of their messages and stored answers, not only in number. A claim does not know
 * how large its tasks will be: they are taken to be as large as the largest of the last one. The first task fits in any case.
 */
export class TasksInHand {
  private readonly sizes = new Map<TaskContext, number>()
  private usedBytes = 0
  private largestBytes = 0

  constructor(private readonly maxBytes: number) {}

  get count(): number {
    return this.sizes.size
  }

  /** How many tasks more may be claimed. */
  get room(): number {
    if (this.count === 0) return Number.POSITIVE_INFINITY
    return Math.max(0, Math.floor((this.maxBytes - this.usedBytes) / Math.max(1, this.largestBytes)))
  }

  /** The tasks of one claim. */
  add(contexts: readonly TaskContext[]): void {
    this.largestBytes = 0
    for (const context of contexts) {
      const bytes = estimateBytes(context.task)
      this.sizes.set(context, bytes)
      this.usedBytes += bytes
      this.largestBytes = Math.max(this.largestBytes, bytes)
    }
  }

  remove(context: TaskContext): void {
    this.usedBytes -= this.sizes.get(context) ?? 0
    this.sizes.delete(context)
  }
}

function estimateBytes({ payload, storedAnswer }: ClaimedTask): number {
  return payload.length * BYTES_PER_CHARACTER + (storedAnswer?.body.length ?? 0)
}
