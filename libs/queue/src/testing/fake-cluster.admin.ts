import type { RecordPosition } from '#libs/kernel'
import { ClusterAdmin, type NewTopics, type TopicPartition } from '../kafka/kafka-client.port.js'

interface FakePartition {
  first: bigint
  next: bigint
  /** Offset of the first record at or after a time. */
  atTime?: bigint
  committed?: bigint
}

/** A cluster in memory: its topics are lists of partitions. */
export class FakeClusterAdmin extends ClusterAdmin {
  readonly created: NewTopics[] = []
  readonly timesAsked: number[] = []
  isClosed = false
  groupHasMembers = false
  failure: Error | undefined
  retentionMs = 604_800_000
  /** Of topics that were made anew. */
  readonly ids: Record<string, string> = {}

  constructor(readonly topics: Record<string, FakePartition[]>) {
    super()
  }

  async existing(topics: readonly string[]): Promise<ReadonlySet<string>> {
    await this.answer()
    return new Set(topics.filter((topic) => topic in this.topics))
  }

  async create(topics: NewTopics): Promise<void> {
    await this.answer()
    this.created.push(topics)
    for (const name of topics.names) this.topics[name] = Array.from({ length: topics.partitions }, () => ({ first: 0n, next: 0n }))
  }

  async partitions(topics: readonly string[]): Promise<readonly TopicPartition[]> {
    await this.answer()
    return topics.flatMap((topic) => this.topics[topic]!.map((_, partition) => ({ topic, partition })))
  }

  async topicIds(topics: readonly string[]): Promise<ReadonlyMap<string, string>> {
    await this.answer()
    return new Map(topics.map((topic) => [topic, this.ids[topic] ?? `id-of-${topic}`]))
  }

  async retentionsMs(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    await this.answer()
    return new Map(topics.map((topic) => [topic, this.retentionMs]))
  }

  async offsetsAt(topics: readonly string[], at: 'earliest' | 'latest' | number): Promise<readonly RecordPosition[]> {
    if (typeof at === 'number') this.timesAsked.push(at)
    const partitions = await this.partitions(topics)
    return partitions.map(({ topic, partition }) => {
      const { first, next, atTime = next } = this.topics[topic]![partition]!
      return { topic, partition, offset: at === 'earliest' ? first : at === 'latest' ? next : atTime }
    })
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly RecordPosition[]> {
    await this.answer()
    return partitions.flatMap(({ topic, partition }) => {
      const { committed } = this.topics[topic]![partition]!
      return committed === undefined ? [] : [{ topic, partition, offset: committed }]
    })
  }

  async commitForGroup(offsets: readonly RecordPosition[]): Promise<void> {
    await this.answer()
    if (this.groupHasMembers) throw new Error('UNKNOWN_MEMBER_ID')
    for (const { topic, partition, offset } of offsets) this.topics[topic]![partition]!.committed = offset
  }

  close(): Promise<void> {
    this.isClosed = true
    return Promise.resolve()
  }

  private answer(): Promise<void> {
    return this.failure ? Promise.reject(this.failure) : Promise.resolve()
  }
}
