import { randomUUID } from 'node:crypto'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import type { DeliveryBatch, OutboxMessage } from '#libs/kernel'
import { KafkaResultPublisher, PlatformaticKafkaClient, QueueEvents } from '#libs/queue'
import { makeTestPolicies } from '../../../libs/queue/src/testing/make-test-policies.js'
import { KafkaRig, waitUntil, whenOwning } from './kafka.rig.js'

const { kafkaBrokers } = inject('stack')

function makeMessage(id: number, change: Partial<OutboxMessage> = {}): OutboxMessage {
  const message = {
    id,
    channel: 'results',
    eventId: randomUUID(),
    key: Buffer.from(`key-${id}`),
    value: Buffer.from(`{"n":${id}}`),
  } as const
  return { ...message, traceparent: null, correlationId: null, ...change }
}

/** The rig's intake reads what the publisher writes: its topic of tasks is the publisher's topic of results. */
async function makePublisher({ partitions = 3 } = {}) {
  const rig = await KafkaRig.create(kafkaBrokers, { partitions })
  const publisher = new KafkaResultPublisher({
    client: new PlatformaticKafkaClient(rig.settings),
    settings: rig.settings,
    events: new QueueEvents(),
    policies: makeTestPolicies(),
  })
  onTestFinished(() => publisher.close())
  return { rig, publisher }
}

describe(KafkaResultPublisher.name, () => {
  it('publishes results with their key, value and headers', async () => {
    const { rig, publisher } = await makePublisher()
    const deliveries: DeliveryBatch['deliveries'][number][] = []
    const intake = rig.startIntake({
      store: (batch) => {
        deliveries.push(...batch.deliveries)
        return Promise.resolve()
      },
    })
    await whenOwning(intake, 3)
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const messages = Array.from({ length: 50 }, (_, id) => makeMessage(id, { traceparent, correlationId: `c${id}` }))
    await Promise.all(messages.map((message) => publisher.publish([message])))
    await waitUntil('everything has come', () => intake.stored.length >= 50)
    const found = deliveries.find(({ key }) => key?.toString() === 'key-7')!
    expect(found.value?.toString()).toBe('{"n":7}')
    expect(Object.fromEntries(Array.from(found.headers, ([name, value]) => [name, value.toString()]))).toMatchObject({
      'event-id': messages[7]!.eventId,
      ce_id: messages[7]!.eventId,
      'content-type': 'application/json',
      traceparent,
      'correlation-id': 'c7',
    })
  })

  it('puts a key on the partition where the Java client puts it, and spreads what has no key', async () => {
    const { rig, publisher } = await makePublisher({ partitions: 10 })
    // Utils.toPositive(Utils.murmur2(key)) % 10 of the Java client, for its own test vectors.
    const known = { '21': -973932308, foobar: -790332482, 'a-little-bit-long-string': -985981536 }
    await publisher.publish(Object.keys(known).map((key, id) => makeMessage(id, { key: Buffer.from(key) })))
    const expected = Array.from({ length: 10 }, () => 0)
    for (const hash of Object.values(known)) expected[(hash & 0x7fffffff) % 10]!++
    expect(await rig.ends()).toEqual(expected)
    await publisher.publish(Array.from({ length: 10 }, (_, id) => makeMessage(id, { key: null })))
    expect(await rig.ends()).toEqual(expected.map((count) => count + 1))
  })

  it('names a message that is too large for its topic, and publishes the others of its request', async () => {
    const { rig, publisher } = await makePublisher({ partitions: 1 })
    const messages = [makeMessage(1), makeMessage(2, { value: Buffer.alloc(2_000_000) }), makeMessage(3)]
    const outcomes = await Promise.allSettled(messages.map((message) => publisher.publish([message])))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((outcomes[1] as PromiseRejectedResult).reason).toMatchObject({
      code: 'message_too_large',
      details: { eventId: messages[1]!.eventId },
    })
    expect(await rig.ends()).toEqual([2])
  })

  it('publishes a group that is larger than one record batch may be', async () => {
    const { rig, publisher } = await makePublisher({ partitions: 1 })
    await publisher.publish(Array.from({ length: 20 }, (_, id) => makeMessage(id, { value: Buffer.alloc(200_000) })))
    expect(await rig.ends()).toEqual([20])
  })

  it('rejects with queue_unavailable where nobody listens', async () => {
    const rig = KafkaRig.plan(['127.0.0.1:1'])
    const settings = { ...rig.settings, produce: { ...rig.settings.produce, budgetMs: 300 } }
    const publisher = new KafkaResultPublisher({
      client: new PlatformaticKafkaClient(settings),
      settings,
      events: new QueueEvents(),
      policies: makeTestPolicies(),
    })
    onTestFinished(() => publisher.close())
    await expect(publisher.publish([makeMessage(1)])).rejects.toMatchObject({ code: 'queue_unavailable', retryable: true })
  })

  it.each(['gzip', 'snappy', 'lz4', 'zstd'])('publishes with %s, and the intake reads it', async (compression) => {
    const { rig } = await makePublisher({ partitions: 1 })
    const settings = { ...rig.settings, produce: { ...rig.settings.produce, compression: compression as 'gzip' } }
    const publisher = new KafkaResultPublisher({
      client: new PlatformaticKafkaClient(settings),
      settings,
      events: new QueueEvents(),
      policies: makeTestPolicies(),
    })
    onTestFinished(() => publisher.close())
    const intake = rig.startIntake()
    await whenOwning(intake, 1)
    await publisher.publish(Array.from({ length: 100 }, (_, id) => makeMessage(id, { value: Buffer.alloc(1_000, `${id}`) })))
    await waitUntil('everything has come', () => intake.stored.length >= 100)
    expect(intake.stored).toHaveLength(100)
  })
})
