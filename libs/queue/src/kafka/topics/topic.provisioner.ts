import type { QueueEvents } from '../consumer/queue.events.js'
import type { ClusterAdmin, KafkaClient } from '../kafka-client.port.js'
import { waitMs } from '../wait-ms.js'

const NEW_TOPIC_POLL_MS = 50
const NEW_TOPIC_POLLS = 60

export class MissingTopicsError extends Error {
  override readonly name = 'MissingTopicsError'

  constructor(readonly topics: readonly string[]) {
    super(`Kafka has no topic ${topics.map((topic) => `"${topic}"`).join(', ')}: create it, or set KAFKA_CREATE_TOPICS to true`)
  }
}

export interface TopicProvisionerOptions {
  readonly client: KafkaClient
  readonly topics: readonly string[]
  /** undefined: topics are made by somebody else. */
  readonly create: { readonly partitions: number; readonly replicationFactor: number } | undefined
  readonly events: QueueEvents
}

/** Makes missing topics where it may; elsewhere it names them. */
export class TopicProvisioner {
  constructor(private readonly options: TopicProvisionerOptions) {}

  /** Throws MissingTopicsError. Idempotent, and harmless when several replicas do it at once. */
  async ensure(): Promise<void> {
    const { client, topics, create, events } = this.options
    const admin = client.createAdmin()
    try {
      const existing = await admin.existing(topics)
      const missing = Array.from(new Set(topics)).filter((topic) => !existing.has(topic))
      if (missing.length === 0) return
      if (create === undefined) throw new MissingTopicsError(missing)
      await admin.create({ names: missing, ...create })
      await untilReadable(admin, missing)
      events.emit('topicsCreated', { topics: missing })
    } finally {
      await admin.close()
    }
  }
}

/** For a moment a broker does not know yet that it leads a new partition. Whoever comes next finds out if it takes longer. */
async function untilReadable(admin: ClusterAdmin, topics: readonly string[]): Promise<void> {
  for (let poll = 0; poll < NEW_TOPIC_POLLS; poll++) {
    const isReadable = await admin.offsetsAt(topics, 'earliest').then(
      () => true,
      () => false,
    )
    if (isReadable) return
    await waitMs(NEW_TOPIC_POLL_MS)
  }
}
