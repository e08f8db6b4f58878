import { Admin, ListOffsetTimestamps } from '@platformatic/kafka'

/** Results are stamped by the broker: when a result is in Kafka is then no matter of the worker's clock. */
const STAMPED_BY_BROKER = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }]

/** The topics of the measurements, and how many results they hold. */
export class BenchTopics {
  private readonly admin: Admin

  constructor(brokers: readonly string[]) {
    this.admin = new Admin({ clientId: 'sluice-bench', bootstrapBrokers: [...brokers] })
  }

  async create({ tasks, results, partitions }: { tasks: string; results: string; partitions: number }): Promise<void> {
    await this.admin.createTopics({ topics: [tasks], partitions, replicas: 1 })
    await this.admin.createTopics({ topics: [results], partitions, replicas: 1, configs: STAMPED_BY_BROKER })
  }

  /** How many records were ever put into the topic: no record is read for it. */
  async count(topic: string, partitions: number): Promise<number> {
    const [listed] = await this.admin.listOffsets({
      topics: [
        {
          name: topic,
          partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
            partitionIndex,
            timestamp: ListOffsetTimestamps.LATEST,
          })),
        },
      ],
    })
    return (listed?.partitions ?? []).reduce((sum, { offset }) => sum + Number(offset), 0)
  }

  async drop(topics: readonly string[]): Promise<void> {
    await this.admin.deleteTopics({ topics: [...topics] })
  }

  async close(): Promise<void> {
    await this.admin.close()
  }
}
