import type { Clock } from '#libs/kernel'
import type { ClusterAdmin, TopicPartition } from '../kafka-client.port.js'
import type { PartitionLane } from './partition-lane.js'

/** How far the ledger is behind the log of one partition. */
export interface PartitionLag extends TopicPartition {
  readonly records: number
  /** Since when (milliseconds since 1970) the oldest record waits that is not in the ledger; null where none waits. */
  readonly waitingSinceMs: number | null
}

export interface LagWatchOptions {
  readonly lanes: Iterable<PartitionLane>
  readonly admin: Pick<ClusterAdmin, 'offsetsAt'>
  readonly topics: readonly string[]
  readonly intervalMs: number
  readonly clock: Clock
}

interface EndSample {
  readonly atMs: number
  readonly endOffset: bigint
}

/** With the shipped interval an hour. */
const MAX_SAMPLES = 720

/**
 * Asks the brokers for the ends of the partitions' logs, also while nothing is fetched: a lag that is taken from fetches stands still exactly
 * when intake does. How long the oldest record waits is known from the record itself where it has been fetched, and else from when the end of
 * the log was first seen behind it: the age of a backlog that was there before this replica is known once it is fetched.
 *
 * The session owns it: `start`, `stop`. A question that fails leaves the last answer.
 */
export class LagWatch {
  private readonly samples = new Map<string, EndSample[]>()
  private timer: NodeJS.Timeout | undefined
  private asking = false

  constructor(private readonly options: LagWatchOptions) {}

  start(): void {
    this.timer ??= setInterval(() => void this.ask(), this.options.intervalMs)
    void this.ask()
  }

  stop(): void {
    clearInterval(this.timer)
    this.timer = undefined
  }

  /** Of the partitions of this member whose ends are known. */
  read(): PartitionLag[] {
    return Array.from(this.options.lanes).flatMap((lane) => this.readLane(lane))
  }

  private readLane(lane: PartitionLane): PartitionLag[] {
    const { topic, partition, committable, oldestWaitingAtMs } = lane
    const samples = this.samples.get(keyOf(lane))
    const end = samples?.at(-1)?.endOffset
    if (samples === undefined || end === undefined) return []
    // What was fetched and stored since the brokers were asked lies behind their answer.
    const records = end > committable ? Number(end - committable) : 0
    const seen = samples.find(({ endOffset }) => endOffset > committable)
    const waitingSinceMs = records === 0 ? null : Math.min(oldestWaitingAtMs ?? Infinity, seen?.atMs ?? Infinity)
    return [{ topic, partition, records, waitingSinceMs }]
  }

  private async ask(): Promise<void> {
    if (this.asking) return
    this.asking = true
    try {
      const ends = await this.options.admin.offsetsAt(this.options.topics, 'latest')
      const atMs = this.options.clock.nowMs()
      for (const { topic, partition, offset } of ends) this.keep(keyOf({ topic, partition }), { atMs, endOffset: offset })
    } catch {
      // Those who answer nothing show as a stalled consumer.
    } finally {
      this.asking = false
    }
  }

  private keep(key: string, sample: EndSample): void {
    const samples = this.samples.get(key) ?? []
    // The topic was made anew, or nothing has come since.
    if (samples.at(-1) !== undefined && sample.endOffset < samples.at(-1)!.endOffset) samples.length = 0
    if (samples.at(-1)?.endOffset !== sample.endOffset) samples.push(sample)
    if (samples.length > MAX_SAMPLES) samples.shift()
    this.samples.set(key, samples)
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
