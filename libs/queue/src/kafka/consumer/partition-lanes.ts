import type { TopicPartition } from '../kafka-client.port.js'
import type { PartitionLane } from './partition-lane.js'
import type { QueueEvents } from './queue.events.js'
import type { StartPosition } from './start-positions.js'

/** A member that is silent for longer than its session while it drains is thrown out: the settings check the sum. */
const LAST_COMMIT_TIMEOUT_MS = 2_000

export interface PartitionLanesOptions {
  readonly findStarts: (partitions: readonly TopicPartition[]) => Promise<readonly StartPosition[]>
  readonly createLane: (start: StartPosition) => PartitionLane
  /** Commits what can be committed. */
  readonly commit: () => Promise<void>
  readonly drainTimeoutMs: number
  /** Lanes have come, or may go on. */
  readonly onReady: () => void
  readonly onError: (error: Error) => void
  readonly events: QueueEvents
}

/**
 * The lanes of the partitions that this member owns, over rebalances. The session owns it.
 *
 * A partition: beginning (`takeOver`; its start is looked up) -> lane -> draining (`giveUp`: held, for a bounded time until nothing is in
 *   flight, then committed) -> gone.
 * A partition that stays through a rebalance is not touched. One that `takeOver` finds missing was lost: gone at once, uncommitted,
 * since somebody else may have it already.
 */
export class PartitionLanes {
  private readonly lanes = new Map<string, PartitionLane>()
  /** Partitions whose start is being looked up, each with the round that asked: one that went and came back asks again. */
  private readonly beginning = new Map<string, number>()
  private round = 0
  private closed = false

  constructor(private readonly options: PartitionLanesOptions) {}

  get size(): number {
    return this.lanes.size
  }

  [Symbol.iterator](): IterableIterator<PartitionLane> {
    return this.lanes.values()
  }

  takeOver(owned: readonly TopicPartition[]): void {
    if (this.closed) return
    const keys = new Set(owned.map(keyOf))
    for (const lane of this.lanes.values()) if (!keys.has(keyOf(lane))) this.remove(lane)
    this.forget(keys)
    const added = owned.filter((partition) => !this.lanes.has(keyOf(partition)) && !this.beginning.has(keyOf(partition)))
    this.options.events.emit('assigned', { partitions: owned, added })
    if (added.length > 0) void this.begin(added, ++this.round)
    this.options.onReady()
  }

  /** Never rejects. */
  async giveUp(kept: readonly TopicPartition[]): Promise<void> {
    const keys = new Set(kept.map(keyOf))
    this.forget(keys)
    await this.drain(
      Array.from(this.lanes.values()).filter((lane) => !keys.has(keyOf(lane))),
      true,
    )
  }

  /** `commit` is false where the group takes no commits of this member any more. */
  async close({ commit }: { readonly commit: boolean }): Promise<void> {
    this.closed = true
    this.beginning.clear()
    await this.drain(Array.from(this.lanes.values()), commit)
  }

  private async begin(added: readonly TopicPartition[], round: number): Promise<void> {
    for (const partition of added) this.beginning.set(keyOf(partition), round)
    try {
      const starts = await this.options.findStarts(added)
      const current = starts.filter((start) => this.beginning.get(keyOf(start)) === round)
      for (const start of current) {
        this.beginning.delete(keyOf(start))
        this.lanes.set(keyOf(start), this.options.createLane(start))
      }
      if (current.some(({ committed }) => !committed)) void this.options.commit()
      this.options.onReady()
    } catch (error) {
      this.options.onError(error as Error)
    }
  }

  private async drain(lanes: readonly PartitionLane[], commit: boolean): Promise<void> {
    if (lanes.length === 0) return
    for (const lane of lanes) lane.hold()
    const undrained = new Set(lanes)
    const drained = Promise.all(lanes.map((lane) => lane.whenIdle().then(() => undrained.delete(lane))))
    await withinMs(drained, this.options.drainTimeoutMs)
    if (commit) await withinMs(this.options.commit(), LAST_COMMIT_TIMEOUT_MS)
    for (const lane of lanes) this.remove(lane)
    this.options.events.emit('revoked', { partitions: lanes.map(plain), undrained: Array.from(undrained, plain) })
  }

  private remove(lane: PartitionLane): void {
    lane.close()
    if (this.lanes.get(keyOf(lane)) === lane) this.lanes.delete(keyOf(lane))
  }

  private forget(kept: ReadonlySet<string>): void {
    for (const key of this.beginning.keys()) if (!kept.has(key)) this.beginning.delete(key)
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`
}

function plain({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}

async function withinMs(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)))
  await Promise.race([work, timeout])
  clearTimeout(timer)
}
