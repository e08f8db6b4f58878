import type { RecordPosition } from '#libs/kernel'
import type { StartFrom } from '../../queue.settings.js'
import type { QueueEvents } from './queue.events.js'
import type { ClusterAdmin, TopicPartition } from '../kafka-client.port.js'

/** Kafka has forgotten, or never known, where this group was: going on would pay for a whole history, or lose it. */
export class StartRefusedError extends Error {
  override readonly name = 'StartRefusedError'

  constructor(groupId: string, topics: readonly string[]) {
    super(
      `the group "${groupId}" has no committed offset on ${topics.map((topic) => `"${topic}"`).join(', ')}, which is not empty: ` +
        'set KAFKA_START_FROM to earliest (all of its records), latest (only new ones) or a time such as 2026-01-31T09:00:00Z',
    )
  }
}

export interface StartPosition extends TopicPartition {
  readonly offset: bigint
  /** Of the topic that this offset is of; null where the brokers have not told. */
  readonly topicId: string | null
  /** false: nothing is committed yet, so the start itself must be, or a restart would begin somewhere else. */
  readonly committed: boolean
}

type Offsets = ReadonlyMap<string, bigint>

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`
}

function byPartition(positions: readonly RecordPosition[]): Offsets {
  return new Map(positions.map((position) => [keyOf(position), position.offset]))
}

/**
 * Decides where a partition begins. A committed offset wins. A topic on which the group has committed nothing begins at earliest while it
 * is empty, else at KAFKA_START_FROM, and is refused where that is not set; the decision is committed for all of its partitions before
 * anybody joins, so that neither a restart nor the next replica decides again. A partition that was added to a known topic begins at
 * earliest: its records are new. So are those of a topic that this process has known under another id.
 */
export class StartPositions {
  /** Decided once in the life of the process: a topic that was empty then begins at earliest, whatever has come since. */
  private readonly begins = new Map<string, StartFrom>()
  private readonly topicIds = new Map<string, string>()

  constructor(
    private readonly options: { readonly groupId: string; readonly startFrom: StartFrom | undefined },
    private readonly events: QueueEvents,
  ) {}

  /** Throws StartRefusedError. */
  async settle(admin: ClusterAdmin, topics: readonly string[]): Promise<void> {
    await this.learnIds(admin, topics)
    const committed = await admin.committed(await admin.partitions(topics))
    const unknown = topics.filter((topic) => !committed.some((position) => position.topic === topic))
    if (unknown.length === 0) return
    const filled = await findFilled(admin, unknown)
    const { groupId, startFrom } = this.options
    const refused = unknown.filter((topic) => filled.has(topic) && startFrom === undefined && !this.begins.has(topic))
    if (refused.length > 0) throw new StartRefusedError(groupId, refused)
    for (const topic of unknown) this.begins.set(topic, this.begins.get(topic) ?? (filled.has(topic) ? startFrom! : 'earliest'))
    await this.pin(admin, unknown)
  }

  async find(admin: ClusterAdmin, partitions: readonly TopicPartition[]): Promise<readonly StartPosition[]> {
    // Before the offsets: where the topic is made anew in between, the first fetch finds that its id is another one.
    await this.learnIds(admin, Array.from(new Set(partitions.map(({ topic }) => topic))))
    const committed = byPartition(await admin.committed(partitions))
    const open = partitions.filter((partition) => !committed.has(keyOf(partition)))
    const starts = byPartition(await this.findStarts(admin, new Set(open.map(({ topic }) => topic))))
    return partitions.map((partition) => {
      const known = committed.get(keyOf(partition))
      const offset = known ?? starts.get(keyOf(partition)) ?? 0n
      const { topic } = partition
      return { topic, partition: partition.partition, offset, topicId: this.topicIds.get(topic) ?? null, committed: known !== undefined }
    })
  }

  private async learnIds(admin: ClusterAdmin, topics: readonly string[]): Promise<void> {
    for (const [topic, id] of await admin.topicIds(topics)) {
      const before = this.topicIds.get(topic)
      if (before !== undefined && before !== id) {
        this.begins.set(topic, 'earliest')
        this.events.emit('topicMadeAnew', { topic })
      }
      this.topicIds.set(topic, id)
    }
  }

  /**
   * Only an empty group takes commits from outside; where it has members, one of them has done this already. Where nobody has, the start
   * must wait: one replica that begins at `latest` would make the topic a known one, and the next would begin at earliest.
   */
  private async pin(admin: ClusterAdmin, topics: readonly string[]): Promise<void> {
    const starts = await this.findStarts(admin, new Set(topics))
    try {
      await admin.commitForGroup(starts)
    } catch (error) {
      const committed = await admin.committed(starts)
      if (topics.some((topic) => !committed.some((position) => position.topic === topic))) throw error
    }
  }

  private async findStarts(admin: ClusterAdmin, topics: ReadonlySet<string>): Promise<RecordPosition[]> {
    const found: RecordPosition[] = []
    for (const topic of topics) found.push(...(await admin.offsetsAt([topic], this.begins.get(topic) ?? 'earliest')))
    return found
  }
}

async function findFilled(admin: ClusterAdmin, topics: readonly string[]): Promise<ReadonlySet<string>> {
  const [first, next] = await Promise.all([admin.offsetsAt(topics, 'earliest'), admin.offsetsAt(topics, 'latest')])
  const firsts = byPartition(first)
  return new Set(next.filter((position) => position.offset > (firsts.get(keyOf(position)) ?? 0n)).map(({ topic }) => topic))
}
