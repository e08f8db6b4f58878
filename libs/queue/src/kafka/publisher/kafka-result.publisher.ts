import { classifyError, GroupCommit, ResultPublisher, TaskError, type OutboxMessage } from '#libs/kernel'
import type { PortPolicies, PortPolicy } from '#libs/resilience'
import type { OpenSpan } from '#libs/tracing'
import type { QueueSettings } from '../../queue.settings.js'
import type { ProducedTopic, QueueEvents } from '../consumer/queue.events.js'
import { ProduceError, type KafkaClient, type ProducedRecord, type RecordProducer } from '../kafka-client.port.js'
import { eventIdOf, makeProducedRecord } from './make-produced-record.js'
import { openSendSpan } from './send-span.js'

export interface KafkaResultPublisherOptions {
  readonly client: KafkaClient
  readonly settings: Pick<QueueSettings, 'topics' | 'produce' | 'retry' | 'breaker'>
  readonly events: QueueEvents
  readonly policies: PortPolicies
}

/**
 * Publishes outbox messages with acks from all in-sync replicas. Messages that wait while a request is under way share the next one
 * (group commit), whoever published them; a few requests run at once, so results of one key may change places (they carry a sequence).
 * While the brokers are away they are refused at once: the outbox has them.
 */
export class KafkaResultPublisher extends ResultPublisher {
  private readonly producer: RecordProducer
  private readonly retries: PortPolicy
  /** Cuts retries short once nobody waits any longer. */
  private readonly closing = new AbortController()
  private readonly group: GroupCommit<readonly ProducedRecord[], (TaskError | undefined)[]>

  constructor(private readonly options: KafkaResultPublisherOptions) {
    super()
    const { produce, retry, breaker } = options.settings
    const { policies } = options
    this.producer = options.client.createProducer()
    // The time budget ends the retries. A request that is under way is not cut off, since a retry must not run beside what it repeats.
    this.retries = policies.makePolicy({
      port: 'kafka',
      retry: { ...retry, attempts: Number.MAX_SAFE_INTEGER, budgetMs: produce.budgetMs },
      breaker: policies.makeBreaker({ port: 'kafka', settings: breaker, isAway: areBrokersAway }),
    })
    this.group = new GroupCommit({
      commit: (lists) => this.produceLists(lists),
      maxItems: produce.maxRecords,
      weightOf: (records) => records.length,
      sizeOf,
      maxSizeBytes: produce.maxBytes,
      concurrency: produce.inFlight,
    })
  }

  async publish(messages: readonly OutboxMessage[]): Promise<void> {
    const { topics } = this.options.settings
    const spans: OpenSpan[] = []
    const records = messages.map((message) => {
      const topic = message.channel === 'results' ? topics.results : topics.deadLetters
      const span = openSendSpan(message, topic)
      if (span) spans.push(span)
      return makeProducedRecord(span ? { ...message, traceparent: span.traceparent } : message, topic)
    })
    try {
      await this.send(records)
      spans.forEach((span) => span.end())
    } catch (error) {
      spans.forEach((span) => span.end(classifyError(error).code))
      throw error
    }
  }

  private async send(records: readonly ProducedRecord[]): Promise<void> {
    const outcomes = await Promise.all(this.split(records).map((list) => this.group.add(list)))
    const refused = outcomes.flat().find((outcome) => outcome !== undefined)
    if (refused) throw refused
  }

  /** Waits for what is under way, at most as long as its retries may take. Idempotent. */
  async close(): Promise<void> {
    await this.group.whenIdle()
    this.closing.abort()
    await this.producer.close()
  }

  /** Lists that each fit into one request. */
  private split(records: readonly ProducedRecord[]): ProducedRecord[][] {
    const { maxRecords, maxBytes } = this.options.settings.produce
    const lists: ProducedRecord[][] = []
    let sizeBytes = 0
    for (const record of records) {
      const list = lists.at(-1)
      sizeBytes += record.value.length
      if (list && list.length < maxRecords && sizeBytes <= maxBytes) {
        list.push(record)
      } else {
        lists.push([record])
        sizeBytes = record.value.length
      }
    }
    return lists
  }

  private async produceLists(lists: readonly (readonly ProducedRecord[])[]): Promise<(TaskError | undefined)[][]> {
    const outcomes = await this.produceGroup(lists.flat())
    let start = 0
    return lists.map(({ length }) => outcomes.slice(start, (start += length)))
  }

  /** One outcome for each record: a record that is too large must not hold up those that share its request. */
  private async produceGroup(records: readonly ProducedRecord[]): Promise<(TaskError | undefined)[]> {
    try {
      await this.retries.execute((attempt) => this.produce(records, attempt), this.closing.signal)
      return records.map(() => undefined)
    } catch (error) {
      if (!(error instanceof ProduceError)) throw error
      if (records.length === 1) return [makeTooLargeError(records[0]!, error)]
      const half = records.length >> 1
      return [...(await this.produceGroup(records.slice(0, half))), ...(await this.produceGroup(records.slice(half)))]
    }
  }

  /** Throws ProduceError where a retry is in vain, else TaskError. */
  private async produce(records: readonly ProducedRecord[], attempt: number): Promise<void> {
    const { events } = this.options
    const startedAt = performance.now()
    try {
      await this.producer.send(records)
    } catch (error) {
      events.emit('produceFailed', { records: records.length, error: error as Error, attempt })
      if (error instanceof ProduceError && error.kind === 'too_large') throw error
      throw TaskError.unavailable('queue_unavailable', `Kafka has not taken the messages: ${(error as Error).message}`, error)
    }
    events.emit('produced', {
      records: records.length,
      sizeBytes: sizeOf(records),
      durationMs: performance.now() - startedAt,
      topics: countByTopic(records),
    })
  }
}

/** `queue_unavailable` where no broker has answered; what a broker refuses is its answer. */
function areBrokersAway(error: unknown): boolean {
  return error instanceof TaskError && error.cause instanceof ProduceError && error.cause.kind === 'unavailable'
}

function countByTopic(records: readonly ProducedRecord[]): Map<string, ProducedTopic> {
  const topics = new Map<string, ProducedTopic>()
  for (const { topic, value } of records) {
    const known = topics.get(topic)
    topics.set(topic, { records: (known?.records ?? 0) + 1, sizeBytes: (known?.sizeBytes ?? 0) + value.length })
  }
  return topics
}

function sizeOf(records: readonly ProducedRecord[]): number {
  return records.reduce((sum, { value }) => sum + value.length, 0)
}

function makeTooLargeError(record: ProducedRecord, cause: unknown): TaskError {
  const { topic, value } = record
  const eventId = eventIdOf(record)
  const message = `the event ${eventId} is too large for the topic "${topic}" (${value.length} bytes): raise max.message.bytes of the topic`
  return new TaskError('message_too_large', message, { retryable: false, cause, details: { topic, eventId, sizeBytes: value.length } })
}
