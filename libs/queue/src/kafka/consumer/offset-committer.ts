import type { RecordPosition } from '#libs/kernel'
import { waitMs } from '../wait-ms.js'
import type { PartitionLane } from './partition-lane.js'
import type { QueueEvents } from './queue.events.js'

export interface OffsetCommitterOptions {
  readonly lanes: Iterable<PartitionLane>
  readonly commit: (offsets: readonly RecordPosition[]) => Promise<void>
  readonly intervalMs: number
  /** Between two tries of a last commit. */
  readonly retryDelayMs: number
  readonly events: QueueEvents
}

/**
 * Commits what is stored without a gap, by a timer behind the work, and at once when partitions are given up. Trades a few records that
 * come again after a crash (they are recognised in the ledger) for one commit in a while instead of one for each batch.
 *
 * One commit is under way at most; one asked for meanwhile follows it and sees what it has left. A failed commit is only reported: the
 * next one carries the same offsets or later ones. Partitions that are no longer lanes of this member are never committed.
 */
export class OffsetCommitter {
  private timer: NodeJS.Timeout | undefined
  private running: Promise<void> | undefined
  /** In a row. */
  private failures = 0

  constructor(private readonly options: OffsetCommitterOptions) {}

  start(): void {
    this.timer ??= setInterval(() => {
      if (this.running === undefined) void this.commitNow()
    }, this.options.intervalMs)
  }

  stop(): void {
    clearInterval(this.timer)
    this.timer = undefined
  }

  /** Never rejects: tells whether everything that could be committed is. */
  async commitNow(): Promise<boolean> {
    while (this.running !== undefined) await this.running
    const due = Array.from(this.options.lanes).filter((lane) => !lane.isClosed && lane.committable !== lane.committedOffset)
    if (due.length === 0) return true
    let done = false
    this.running = this.commit(due).then((result) => {
      done = result
      this.running = undefined
    })
    await this.running
    return done
  }

  /** For the last commit of partitions that are given up: one that fails is tried again. */
  async commitAll(attempts: number): Promise<void> {
    for (let attempt = 1; !(await this.commitNow()) && attempt < attempts; attempt++) await waitMs(this.options.retryDelayMs)
  }

  private async commit(lanes: readonly PartitionLane[]): Promise<boolean> {
    const offsets = lanes.map(({ topic, partition, committable }) => ({ topic, partition, offset: committable }))
    const startedAt = performance.now()
    try {
      await this.options.commit(offsets)
    } catch (error) {
      this.options.events.emit('commitFailed', { offsets, error: error as Error, attempt: ++this.failures + 1 })
      return false
    }
    this.failures = 0
    offsets.forEach(({ offset }, index) => (lanes[index]!.committedOffset = offset))
    this.options.events.emit('committed', { offsets, durationMs: performance.now() - startedAt })
    return true
  }
}
