import { Kafka, logLevel, type KafkaMessage } from 'kafkajs'
import { randomUUID } from 'node:crypto'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { PlatformaticKafkaClient, type QueueSettings } from '#libs/queue'
import { KafkaRig, waitUntil } from './kafka.rig.js'

const { kafkaBrokers } = inject('stack')

type Producer = ReturnType<PlatformaticKafkaClient['createProducer']>
type ProducedRecord = Parameters<Producer['send']>[0][number]
type ReadRecord = KafkaMessage & { readonly topic: string; readonly partition: number }

function createProducer(settings: QueueSettings): Producer {
  const producer = new PlatformaticKafkaClient(settings).createProducer()
  onTestFinished(() => producer.close())
  return producer
}

function makeRecord(topic: string, index: number, change: Partial<ProducedRecord> = {}): ProducedRecord {
  return { topic, key: Buffer.from(`key-${index}`), value: Buffer.from(`value-${index}`), headers: [], ...change }
}

function textOf({ topic, key, value }: Pick<ReadRecord, 'topic' | 'key' | 'value'>): string {
  return `${topic} ${key?.toString()} ${value?.toString()}`
}

/** Reads with another client than the one that produces: what it understands, the protocol says. */
async function readWithKafkajs(topics: string[], count: number): Promise<ReadRecord[]> {
  const kafka = new Kafka({ brokers: [...kafkaBrokers], logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `reader-${randomUUID()}` })
  onTestFinished(() => consumer.disconnect())
  const read: ReadRecord[] = []
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: true })
  await consumer.run({
    eachMessage: ({ topic, partition, message }) => {
      read.push({ ...message, topic, partition })
      return Promise.resolve()
    },
  })
  await waitUntil('kafkajs has read everything', () => read.length >= count)
  return read
}

describe('RecordProducer', () => {
  it('produces to many partitions of several topics in one send', async () => {
    const rig = await KafkaRig.create(kafkaBrokers, { partitions: 40 })
    const other = `other-${randomUUID()}`
    await rig.createTopic(other, 7)
    const records = Array.from({ length: 2_000 }, (_, index) => makeRecord(index % 4 === 0 ? other : rig.topic, index))
    await createProducer(rig.settings).send(records)
    const read = await readWithKafkajs([rig.topic, other], 2_000)
    expect(new Set(read.map(textOf))).toEqual(new Set(records.map(textOf)))
    expect(new Set(read.map(({ topic, partition }) => `${topic} ${partition}`)).size).toBe(47)
  })

  it.each(['none', 'gzip'] as const)(
    'produces keys, values and headers that another client reads (compression: %s)',
    async (compression) => {
      const rig = await KafkaRig.create(kafkaBrokers, { partitions: 1 })
      const headers = [
        Buffer.from('event-id'),
        Buffer.from('1'),
        Buffer.from('empty'),
        Buffer.alloc(0),
        Buffer.from('лист'),
        Buffer.alloc(300, 'h'),
      ]
      const records = [
        makeRecord(rig.topic, 0, { headers }),
        makeRecord(rig.topic, 1, { key: null }),
        makeRecord(rig.topic, 2, { key: Buffer.alloc(0), value: Buffer.alloc(0) }),
        makeRecord(rig.topic, 3, { value: Buffer.alloc(200_000, 'v') }),
      ]
      const before = Date.now()
      await createProducer({ ...rig.settings, produce: { ...rig.settings.produce, compression } }).send(records)
      const read = await readWithKafkajs([rig.topic], 4)
      expect(read.map(({ key }) => key)).toEqual(records.map(({ key }) => key))
      expect(read.map(({ value }) => value!.equals(records[read.findIndex((found) => found.value === value)]!.value))).toEqual([
        true,
        true,
        true,
        true,
      ])
      expect(read[0]!.headers).toEqual({ 'event-id': Buffer.from('1'), empty: Buffer.alloc(0), лист: Buffer.alloc(300, 'h') })
      for (const { timestamp } of read) {
        expect(Number(timestamp)).toBeGreaterThanOrEqual(before)
        expect(Number(timestamp)).toBeLessThanOrEqual(Date.now())
      }
    },
  )

  it('says that a record is too large, and has taken those of other partitions', async () => {
    const rig = await KafkaRig.create(kafkaBrokers, { partitions: 2 })
    const producer = createProducer(rig.settings)
    const records = [makeRecord(rig.topic, 0, { key: null }), makeRecord(rig.topic, 1, { key: null, value: Buffer.alloc(2_000_000) })]
    await expect(producer.send(records)).rejects.toMatchObject({ name: 'ProduceError', kind: 'too_large' })
    expect((await rig.ends()).reduce((sum, end) => sum + end)).toBe(1)
    await producer.send([makeRecord(rig.topic, 2)])
  })

  it('does not know a topic, and knows it once it is there', async () => {
    const rig = await KafkaRig.create(kafkaBrokers)
    const producer = createProducer(rig.settings)
    const topic = `late-${randomUUID()}`
    await producer.send([makeRecord(rig.topic, 0)])
    await expect(producer.send([makeRecord(topic, 1)])).rejects.toMatchObject({
      name: 'ProduceError',
      kind: 'unavailable',
      message: expect.stringContaining(topic),
    })
    await rig.createTopic(topic, 1)
    await producer.send([makeRecord(topic, 1)])
  })

  it('rejects what is sent after it is closed', async () => {
    const rig = await KafkaRig.create(kafkaBrokers)
    const producer = new PlatformaticKafkaClient(rig.settings).createProducer()
    await producer.send([makeRecord(rig.topic, 0)])
    await producer.close()
    await producer.close()
    await expect(producer.send([makeRecord(rig.topic, 1)])).rejects.toMatchObject({ kind: 'unavailable' })
  })
})
