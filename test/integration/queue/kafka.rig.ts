import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Admin, Producer } from '@platformatic/kafka'
import { onTestFinished } from 'vitest'
import { DELIVERIES_PATTERN, IntakeGate, SystemClock, type DeliveryBatch, type IntakeState } from '#libs/kernel'
import { createKafkaTransport, KafkaStatus, PlatformaticKafkaClient, QueueEvents, queueSettings, type QueueSettings } from '#libs/queue'

const POLL_MS = 20
const WAIT_MS = 25_000

/** One intake of a test: the transport as the worker has it, with a handler that the test writes. */
export interface TestIntake {
  readonly status: KafkaStatus
  readonly events: QueueEvents
  /** `partition:offset` of everything that was stored, in the order of storing. */
  readonly stored: string[]
  /** Resolves when `listen` has called back; rejects with its error. */
  readonly listening: Promise<void>
  readonly stop: () => Promise<void>
}

export interface IntakeOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Resolves when the batch is stored. */
  readonly store?: (batch: DeliveryBatch) => Promise<void>
}

class OpenGate extends IntakeGate {
  readonly state: IntakeState = { open: true }

  whenOpen(): Promise<void> {
    return Promise.resolve()
  }
}

/** A topic and a group of one test, and what a test does around the intake. */
export class KafkaRig {
  readonly group = `group-${randomUUID()}`
  readonly settings: QueueSettings
  private readonly client: PlatformaticKafkaClient

  private constructor(
    private readonly brokers: readonly string[],
    readonly topic: string,
  ) {
    this.settings = this.parse({})
    this.client = new PlatformaticKafkaClient(this.settings)
  }

  static async create(brokers: readonly string[], { partitions = 3 }: { partitions?: number } = {}): Promise<KafkaRig> {
    const rig = new KafkaRig(brokers, `tasks-${randomUUID()}`)
    await rig.createTopic(rig.topic, partitions)
    return rig
  }

  /** Without making anything: for a broker that is not there yet. */
  static plan(brokers: readonly string[]): KafkaRig {
    return new KafkaRig(brokers, `tasks-${randomUUID()}`)
  }

  async createTopic(topic: string, partitions: number): Promise<void> {
    const admin = this.client.createAdmin()
    await admin.create({ names: [topic], partitions, replicationFactor: 1 })
    await waitUntil('the new topic has leaders', () =>
      admin.offsetsAt([topic], 'earliest').then(
        (offsets) => offsets.length === partitions,
        () => false,
      ),
    )
    await admin.close()
  }

  /** Produces to the partitions in turn; `make` gives the value (undefined: a small text) and may make it null. */
  async produce(count: number, make: (index: number) => Buffer | null = (index) => Buffer.from(`{"n":${index}}`)): Promise<void> {
    const producer = this.client.createProducer()
    for (let index = 0; index < count; index += 500) {
      const records = Array.from({ length: Math.min(500, count - index) }, (_, step) => ({
        topic: this.topic,
        key: null,
        value: make(index + step) as Buffer,
        headers: [Buffer.from('correlation-id'), Buffer.from(`c${index + step}`)],
      }))
      // A broker that has just come back does not lead its partitions at once.
      await waitUntil('the records are produced', () =>
        producer.send(records).then(
          () => true,
          () => false,
        ),
      )
    }
    await producer.close()
  }

  /** As one batch, to the partition 0. */
  async produceCompressed(compression: 'gzip' | 'snappy' | 'lz4' | 'zstd', values: readonly (Buffer | null)[]): Promise<void> {
    const producer = new Producer({ clientId: 'test', bootstrapBrokers: [...this.brokers] })
    const messages = values.map((value) => ({ topic: this.topic, partition: 0, value: value as Buffer }))
    await producer.send({ messages, compression })
    await producer.close()
  }

  startIntake({ env = {}, store = () => Promise.resolve() }: IntakeOptions = {}): TestIntake {
    const settings = this.parse(env)
    const [status, events] = [new KafkaStatus(), new QueueEvents()]
    const stored: string[] = []
    const transport = createKafkaTransport({
      settings,
      client: new PlatformaticKafkaClient(settings),
      gate: new OpenGate(),
      status,
      events,
      clock: new SystemClock(),
      random: Math.random,
    })
    const handle = async (batch: DeliveryBatch) => {
      await store(batch)
      for (const { partition, offset } of batch.deliveries) stored.push(`${partition}:${offset}`)
    }
    transport.addHandler(DELIVERIES_PATTERN, handle, true)
    const listening = new Promise<void>((resolve, reject) => transport.listen((error) => (error ? reject(error) : resolve())))
    onTestFinished(() => transport.close())
    return { status, events, stored, listening, stop: () => transport.close() }
  }

  /** The records before this offset are gone, as after their retention. */
  async deleteBefore(partition: number, offset: bigint): Promise<void> {
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...this.brokers] })
    await admin.deleteRecords({ topics: [{ name: this.topic, partitions: [{ partition, offset }] }] })
    await admin.close()
  }

  async deleteTopic(): Promise<void> {
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...this.brokers] })
    await admin.deleteTopics({ topics: [this.topic] })
    await admin.close()
  }

  async recreateTopic(partitions: number): Promise<void> {
    await this.deleteTopic()
    await this.createTopic(this.topic, partitions)
  }

  /** What the group has committed in each partition, in order. */
  async committed(): Promise<number[]> {
    const admin = this.client.createAdmin()
    const offsets = await admin.committed(await admin.partitions([this.topic]))
    await admin.close()
    return offsets.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset))
  }

  /** Where each partition ends, in order. */
  async ends(): Promise<number[]> {
    const admin = this.client.createAdmin()
    const offsets = await admin.offsetsAt([this.topic], 'latest')
    await admin.close()
    return offsets.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset))
  }

  /** All `partition:offset` of the topic. */
  async allRecords(): Promise<Set<string>> {
    const ends = await this.ends()
    return new Set(ends.flatMap((end, partition) => Array.from({ length: end }, (_, offset) => `${partition}:${offset}`)))
  }

  /** Those of the rig, but for these. */
  withSettings(env: Readonly<Record<string, string>>): QueueSettings {
    return this.parse(env)
  }

  private parse(env: Readonly<Record<string, string>>): QueueSettings {
    return queueSettings.parse({
      KAFKA_CREATE_TOPICS: 'false',
      KAFKA_BROKERS: this.brokers.join(','),
      KAFKA_TOPIC_TASKS: this.topic,
      // Topics of results are another test's business, but they must be there.
      KAFKA_TOPIC_RESULTS: this.topic,
      KAFKA_TOPIC_DEAD_LETTERS: this.topic,
      KAFKA_GROUP_ID: this.group,
      KAFKA_BATCH_RECORDS: '20',
      ...env,
    })
  }
}

export async function waitUntil(what: string, isTrue: () => boolean | Promise<boolean>, limitMs = WAIT_MS): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain until ${what}`)
    await delay(POLL_MS)
  }
}

export function whenReady(intake: TestIntake): Promise<void> {
  return waitUntil('the intake is ready', () => intake.status.current.state === 'ready')
}

export function whenOwning(intake: TestIntake, partitions: number): Promise<void> {
  return waitUntil(`the intake owns ${partitions} partitions`, () => intake.status.current.assignments.length === partitions)
}
