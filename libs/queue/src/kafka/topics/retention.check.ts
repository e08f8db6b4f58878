import type { QueueEvents } from '../consumer/queue.events.js'
import type { KafkaClient } from '../kafka-client.port.js'

const DAY_MS = 24 * 60 * 60 * 1_000
/** Between what Kafka deletes and what we forget there must be a margin: its segments go later than their retention says. */
const MARGIN_DAYS = 1

/** Kafka would still deliver tasks whose ids have been forgotten: they would be paid for again. */
export class TaskIdRetentionError extends Error {
  override readonly name = 'TaskIdRetentionError'

  constructor(topic: string, { neededDays, days }: { neededDays: number; days: number }) {
    const kept = Number.isFinite(neededDays) ? `for ${neededDays - MARGIN_DAYS} days` : 'for ever'
    const fix = Number.isFinite(neededDays) ? `at least ${neededDays}` : '0 (for ever)'
    super(`TASK_ID_RETENTION_DAYS must be ${fix}: the topic "${topic}" keeps its records ${kept} (got ${days})`)
  }
}

export interface RetentionCheckOptions {
  readonly client: KafkaClient
  readonly topics: readonly string[]
  /** How long task ids are kept; 0 is for ever. */
  readonly taskIdDays: number
  readonly events: QueueEvents
}

/** Compares how long task ids are kept with how long Kafka can deliver their tasks again. */
export class RetentionCheck {
  constructor(private readonly options: RetentionCheckOptions) {}

  /** Throws TaskIdRetentionError. Where the brokers do not tell, it only reports that it could not check. */
  async ensure(): Promise<void> {
    const { client, topics, taskIdDays, events } = this.options
    if (taskIdDays === 0) return
    const admin = client.createAdmin()
    try {
      const retentions = await admin
        .retentionsMs(topics)
        .catch((error: unknown) => void events.emit('retentionUnknown', { error: error as Error }))
      for (const [topic, retentionMs] of retentions ?? []) {
        const neededDays = Math.ceil(retentionMs / DAY_MS) + MARGIN_DAYS
        if (taskIdDays < neededDays) throw new TaskIdRetentionError(topic, { neededDays, days: taskIdDays })
      }
    } finally {
      await admin.close()
    }
  }
}
