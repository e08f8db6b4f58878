import { setTimeout as delay } from 'node:timers/promises'
import type { ProducerJournal } from '../invariants/journal.js'
import type { TaskMix } from '../task.mix.js'

export interface FeederOptions {
  readonly mix: TaskMix
  readonly journal: ProducerJournal
  readonly tasks: number
  readonly perSecond: number
  readonly signal: AbortSignal
}

const BATCH = 20

/**
 * Sends the tasks at an even pace. Modes: feeding; held, where a server that the feeder itself needs is about to go (a send whose
 * acknowledgement is lost would leave nobody who knows what is on the topic); done.
 */
export class TaskFeeder {
  private free: Promise<void> = Promise.resolve()
  /** The send that is under way. */
  private sending: Promise<void> = Promise.resolve()

  constructor(private readonly options: FeederOptions) {}

  /** Resolves when all tasks are sent and acknowledged. */
  async run(): Promise<void> {
    const { mix, journal, tasks, perSecond, signal } = this.options
    for (let sent = 0; sent < tasks; sent += BATCH) {
      await this.free
      signal.throwIfAborted()
      this.sending = mix.make(Math.min(BATCH, tasks - sent)).then((records) => journal.send(records))
      await this.sending
      await delay((BATCH / perSecond) * 1_000, undefined, { signal })
    }
  }

  /** Sends so many records of every shape besides, at once. */
  async burst(count: number): Promise<void> {
    const { mix, journal } = this.options
    const resume = await this.hold()
    await mix
      .makeEach(count)
      .then((records) => journal.send(records))
      .finally(resume)
  }

  /** Resolves when no send is under way; none begins until what it gives is called. */
  async hold(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.free = promise
    await this.sending.catch(() => undefined)
    return resolve
  }
}
