import { Producer } from '@platformatic/kafka'
import type { TaskMessage } from '#libs/contracts'

export interface ProducedRecord {
  readonly topic: string
  readonly key?: string | null
  /** An object is sent as JSON; null is a tombstone. */
  readonly value: TaskMessage | Buffer | string | null
  readonly headers?: Readonly<Record<string, string>>
  readonly partition?: number
}

/** A record whose place its sender chooses, so that the brokers' acknowledgement says where exactly it lies. */
export type PlacedRecord = ProducedRecord & { readonly partition: number }

/** Where an acknowledged record lies. */
export interface Acknowledged {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/** Puts tasks on Kafka as a producer of the service's users would: every record acknowledged by all replicas. */
export class TaskProducer {
  private readonly producer: Producer<Buffer, Buffer, Buffer, Buffer>

  constructor(brokers: readonly string[]) {
    this.producer = new Producer({ clientId: 'sluice-rig', bootstrapBrokers: [...brokers], acks: -1, autocreateTopics: false })
  }

  /** Resolves when all of them are acknowledged. Records of one partition keep their order. */
  async send(records: readonly ProducedRecord[]): Promise<void> {
    if (records.length === 0) return
    await this.producer.send({ messages: records.map(makeMessage), acks: -1 })
  }

  /** As `send`; tells where each record lies, in the order of the records. */
  async sendPlaced(records: readonly PlacedRecord[]): Promise<Acknowledged[]> {
    if (records.length === 0) return []
    const { offsets = [] } = await this.producer.send({ messages: records.map(makeMessage), acks: -1 })
    // One acknowledgement for each partition: the offset of the first of its records.
    const next = new Map(offsets.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]))
    return records.map(({ topic, partition }) => {
      const place = `${topic}/${partition}`
      const offset = next.get(place)
      if (offset === undefined) throw new Error(`the brokers did not say where the records of ${place} lie`)
      next.set(place, offset + 1n)
      return { topic, partition, offset }
    })
  }

  async close(): Promise<void> {
    await this.producer.close()
  }
}

function makeMessage({ topic, key, value, headers, partition }: ProducedRecord) {
  const bytes = value === null || Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  return {
    topic,
    ...(key !== undefined && key !== null && { key: Buffer.from(key) }),
    ...(bytes !== null && { value: bytes }),
    ...(headers && { headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])) }),
    ...(partition !== undefined && { partition }),
  }
}
