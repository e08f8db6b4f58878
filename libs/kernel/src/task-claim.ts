import type { TaskContext } from './task-context.js'

/** Runs one claimed task. What a handler of claims gives. */
export type TaskWork = (context: TaskContext) => Promise<unknown>

/**
 * The tasks of one claim, which are dispatched through Nest together: what Nest does for a dispatch is done once for all of them, and the
 * pipeline runs for each by itself (docs/adr/0010). They end one by one, whenever each is done.
 */
export class TaskClaim {
  private waiting: readonly TaskContext[]

  /** `onEnd` is called once for each task, with the error where its outcome could not be stored. */
  constructor(
    contexts: readonly TaskContext[],
    private readonly onEnd: (context: TaskContext, failure?: unknown) => void,
  ) {
    this.waiting = contexts
  }

  /** Resolves when all tasks have ended; never rejects. A second call finds nothing to run. */
  async run(work: TaskWork): Promise<void> {
    await Promise.all(this.takeWaiting().map((context) => this.runOne(context, work)))
  }

  /** Ends the tasks that `run` was never called for. */
  endUnrun(failure: unknown): void {
    for (const context of this.takeWaiting()) this.onEnd(context, failure)
  }

  /** A task that has ended must not be kept in memory for as long as the slowest of its claim. */
  private takeWaiting(): readonly TaskContext[] {
    const contexts = this.waiting
    this.waiting = []
    return contexts
  }

  private async runOne(context: TaskContext, work: TaskWork): Promise<void> {
    try {
      await work(context)
    } catch (failure) {
      this.onEnd(context, failure)
      return
    }
    this.onEnd(context)
  }
}
