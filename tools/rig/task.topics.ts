import { Admin, ConfigResourceTypes, IncrementalAlterConfigOperationTypes, ListOffsetTimestamps } from '@platformatic/kafka'
import type { Acknowledged } from './task.producer.js'

export interface TopicNames {
  readonly tasks: string
  readonly results: string
  readonly deadLetters: string
}

/** The topics of one service, and its group's place on them. */
export class TaskTopics {
  private readonly admin: Admin

  constructor(
    brokers: readonly string[],
    readonly names: TopicNames,
    readonly groupId: string,
  ) {
    this.admin = new Admin({ clientId: 'sluice-rig', bootstrapBrokers: [...brokers] })
  }

  async create(partitions: number): Promise<void> {
    await this.admin.createTopics({ topics: Object.values(this.names), partitions, replicas: 1 })
  }

  /** The group's committed offsets on the tasks topic: the next records that it would read. */
  async committed(partitions: readonly number[]): Promise<Acknowledged[]> {
    const [group] = await this.admin.listConsumerGroupOffsets({
      groups: [{ groupId: this.groupId, topics: [{ name: this.names.tasks, partitionIndexes: [...partitions] }] }],
    })
    return (group?.topics ?? []).flatMap(({ name, partitions: found }) =>
      found
        .filter(({ committedOffset }) => committedOffset >= 0n)
        .map(({ partitionIndex, committedOffset }) => ({ topic: name, partition: partitionIndex, offset: committedOffset })),
    )
  }

  /** The offsets that the next records on the tasks topic will get. */
  async ends(partitions: readonly number[]): Promise<Acknowledged[]> {
    const listed = await this.admin.listOffsets({
      topics: [
        {
          name: this.names.tasks,
          partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp: ListOffsetTimestamps.LATEST })),
        },
      ],
    })
    return listed.flatMap(({ name, partitions: found }) =>
      found.map(({ partitionIndex, offset }) => ({ topic: name, partition: partitionIndex, offset })),
    )
  }

  /** The group, which must be empty, reads everything again. */
  async rewind(partitions: readonly number[]): Promise<void> {
    await this.admin.alterConsumerGroupOffsets({
      groupId: this.groupId,
      topics: [{ name: this.names.tasks, partitionOffsets: partitions.map((partition) => ({ partition, offset: 0n })) }],
    })
  }

  /** The largest record batch that the results topic takes; undefined: the broker's default. */
  async limitResults(bytes: number | undefined): Promise<void> {
    const change =
      bytes === undefined
        ? { configOperation: IncrementalAlterConfigOperationTypes.DELETE }
        : { configOperation: IncrementalAlterConfigOperationTypes.SET, value: String(bytes) }
    await this.admin.incrementalAlterConfigs({
      resources: [
        { resourceType: ConfigResourceTypes.TOPIC, resourceName: this.names.results, configs: [{ name: 'max.message.bytes', ...change }] },
      ],
    })
  }

  async close(): Promise<void> {
    await this.admin.close()
  }
}
