import type { RecordPosition } from '#libs/kernel'
import { Admin, ConfigResourceTypes, findErrorBy, ListOffsetTimestamps, FetchIsolationLevels } from '@platformatic/kafka'
import type { QueueSettings } from '../../queue.settings.js'
import { ClusterAdmin, type NewTopics, type TopicPartition } from '../kafka-client.port.js'
import { makeClientOptions } from './client-options.js'
import { explained, explainError } from './explain-error.js'

/** Everything waits for these, and none of them is long. */
const REQUEST_TIMEOUT_MS = 5_000
const TIMESTAMPS = { earliest: ListOffsetTimestamps.EARLIEST, latest: ListOffsetTimestamps.LATEST }

export class PlatformaticClusterAdmin extends ClusterAdmin {
  private readonly admin: Admin

  constructor(private readonly settings: QueueSettings) {
    super()
    const requestTimeout = Math.min(settings.requestTimeoutMs, REQUEST_TIMEOUT_MS)
    this.admin = new Admin({ ...makeClientOptions(settings, 'admin'), requestTimeout })
  }

  async existing(topics: readonly string[]): Promise<ReadonlySet<string>> {
    const all = new Set(await explained(this.admin.listTopics()))
    return new Set(topics.filter((topic) => all.has(topic)))
  }

  async create({ names, partitions, replicationFactor }: NewTopics): Promise<void> {
    await this.admin.createTopics({ topics: [...names], partitions, replicas: replicationFactor }).catch((error: unknown) => {
      // Another replica was faster.
      if (!findErrorBy(error as Error, 'apiId', 'TOPIC_ALREADY_EXISTS')) throw explainError(error)
    })
  }

  async partitions(topics: readonly string[]): Promise<readonly TopicPartition[]> {
    const metadata = await explained(this.admin.metadata({ topics: [...topics], forceUpdate: true }))
    return Array.from(metadata.topics, ([topic, { partitions }]) => partitions.map((_, partition) => ({ topic, partition }))).flat()
  }

  async topicIds(topics: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const metadata = await explained(this.admin.metadata({ topics: [...topics], forceUpdate: true }))
    return new Map(Array.from(metadata.topics, ([topic, { id }]) => [topic, id]))
  }

  async retentionsMs(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const configurationKeys = ['retention.ms', 'cleanup.policy']
    const resources = topics.map((resourceName) => ({ resourceType: ConfigResourceTypes.TOPIC, resourceName, configurationKeys }))
    const described = await explained(this.admin.describeConfigs({ resources }))
    return new Map(
      described.map(({ resourceName, configs }) => {
        const valueOf = (key: string) => configs.find(({ name }) => name === key)?.value ?? ''
        const retentionMs = Number(valueOf('retention.ms'))
        const deletes = valueOf('cleanup.policy').includes('delete') && retentionMs >= 0
        return [resourceName, deletes ? retentionMs : Number.POSITIVE_INFINITY]
      }),
    )
  }

  async offsetsAt(topics: readonly string[], at: 'earliest' | 'latest' | number): Promise<readonly RecordPosition[]> {
    const partitions = await this.partitions(topics)
    if (typeof at !== 'number') return this.list(partitions, TIMESTAMPS[at])
    const found = await this.list(partitions, BigInt(at))
    const latest = await this.list(partitions, TIMESTAMPS.latest)
    return found.map((position) => (position.offset >= 0n ? position : latest.find((other) => isSame(other, position))!))
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly RecordPosition[]> {
    const topics = groupByTopic(partitions, ({ partition }) => partition)
    const asked = topics.map(([name, partitionIndexes]) => ({ name, partitionIndexes }))
    const [group] = await explained(this.admin.listConsumerGroupOffsets({ groups: [{ groupId: this.settings.groupId, topics: asked }] }))
    return (group?.topics ?? []).flatMap(({ name, partitions: found }) =>
      found
        .filter(({ committedOffset }) => committedOffset >= 0n)
        .map(({ partitionIndex, committedOffset }) => ({ topic: name, partition: partitionIndex, offset: committedOffset })),
    )
  }

  async commitForGroup(offsets: readonly RecordPosition[]): Promise<void> {
    const topics = groupByTopic(offsets, ({ partition, offset }) => ({ partition, offset }))
    const altered = topics.map(([name, partitionOffsets]) => ({ name, partitionOffsets }))
    await explained(this.admin.alterConsumerGroupOffsets({ groupId: this.settings.groupId, topics: altered }))
  }

  async close(): Promise<void> {
    await this.admin.close()
  }

  private async list(partitions: readonly TopicPartition[], timestamp: bigint): Promise<RecordPosition[]> {
    const topics = groupByTopic(partitions, ({ partition }) => ({ partitionIndex: partition, timestamp }))
    const asked = topics.map(([name, partitionsAsked]) => ({ name, partitions: partitionsAsked }))
    const listed = await explained(this.admin.listOffsets({ topics: asked, isolationLevel: FetchIsolationLevels.READ_COMMITTED }))
    return listed.flatMap(({ name, partitions: found }) =>
      found.map(({ partitionIndex, offset }) => ({ topic: name, partition: partitionIndex, offset })),
    )
  }
}

function isSame(a: TopicPartition, b: TopicPartition): boolean {
  return a.topic === b.topic && a.partition === b.partition
}

function groupByTopic<T extends TopicPartition, R>(items: readonly T[], make: (item: T) => R): [string, R[]][] {
  return Array.from(
    Map.groupBy(items, ({ topic }) => topic),
    ([topic, group]): [string, R[]] => [topic, group.map(make)],
  )
}
