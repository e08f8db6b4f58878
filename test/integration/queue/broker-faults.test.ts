import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startStack, type LocalServer, type Stack } from '#tools/stack'
import { setTimeout as delay } from 'node:timers/promises'
import type { OutboxMessage } from '#libs/kernel'
import { KafkaResultPublisher, PlatformaticKafkaClient, QueueEvents } from '#libs/queue'
import { makeTestPolicies } from '../../../libs/queue/src/testing/make-test-policies.js'
import { KafkaRig, waitUntil, whenOwning, whenReady } from './kafka.rig.js'

/** A broker of its own, since these tests kill it. */
let stack: Stack
let broker: LocalServer

beforeAll(async () => {
  stack = await startStack({ name: 'queue-faults', parts: ['kafka'], kafka: { quickStart: true } })
  broker = stack.server('kafka')
})

afterAll(() => stack.stop())

describe.each(['classic', 'consumer'])('the intake with the %s group protocol when its broker fails', (protocol) => {
  const env = { KAFKA_GROUP_PROTOCOL: protocol }

  it('loses nothing and goes on when the broker is killed and comes back', async () => {
    const rig = await KafkaRig.create(stack.kafkaBrokers)
    const intake = rig.startIntake({ env, store: () => delay(10) })
    await whenOwning(intake, 3)
    await rig.produce(3_000)
    await waitUntil('some of it is stored', () => intake.stored.length > 300)
    await broker.kill()
    await delay(1_000)
    const killedAt = performance.now()
    await broker.restart()
    await rig.produce(300)
    // More than was asked for, where the producer had to repeat itself.
    const all = await rig.allRecords()
    expect(all.size).toBeGreaterThanOrEqual(3_300)
    await waitUntil('everything is stored', () => new Set(intake.stored).size >= all.size, 50_000)
    expect(performance.now() - killedAt).toBeLessThan(50_000)
    expect(new Set(intake.stored)).toEqual(all)
    await waitUntil('everything is committed', async () => (await rig.committed()).join() === (await rig.ends()).join())
  }, 90_000)

  it('starts without a broker, says that it is not ready, and is ready soon after the broker is there', async () => {
    const rig = await KafkaRig.create(stack.kafkaBrokers)
    await broker.stop()
    const intake = rig.startIntake({ env })
    await expect(intake.listening).resolves.toBeUndefined()
    expect(intake.status.current.state).not.toBe('ready')
    expect(intake.status.current.lastError).not.toBeNull()
    await broker.start()
    const startedAt = performance.now()
    await whenReady(intake)
    expect(performance.now() - startedAt).toBeLessThan(15_000)
  }, 60_000)

  it('stops in time while the broker is away', async () => {
    const rig = await KafkaRig.create(stack.kafkaBrokers)
    const intake = rig.startIntake({ env })
    await whenOwning(intake, 3)
    await broker.kill()
    const startedAt = performance.now()
    await intake.stop()
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    expect(intake.status.current.state).toBe('stopped')
    await broker.start()
  }, 60_000)
})

describe('the producer when its broker fails', () => {
  const records = [{ topic: '', key: null, value: Buffer.from('{}'), headers: [] }]

  it('rejects with unavailable while the broker is away, and finds it again by itself', async () => {
    const rig = await KafkaRig.create(stack.kafkaBrokers)
    const producer = new PlatformaticKafkaClient(rig.settings).createProducer()
    onTestFinished(() => producer.close())
    const send = () => producer.send(records.map((record) => ({ ...record, topic: rig.topic })))
    await send()
    await broker.kill()
    await expect(send()).rejects.toMatchObject({ name: 'ProduceError', kind: 'unavailable' })
    await broker.restart()
    // A broker that has just come back does not lead its partitions at once.
    await waitUntil('a record is taken', () =>
      send().then(
        () => true,
        () => false,
      ),
    )
  }, 60_000)

  it('publishes everything through a broker that is killed and comes back', async () => {
    const rig = await KafkaRig.create(stack.kafkaBrokers)
    // A breaker would leave them to the outbox, which is not here.
    const breaker = { failures: 1_000, openMs: 100 }
    const settings = { ...rig.settings, breaker, produce: { ...rig.settings.produce, budgetMs: 50_000 } }
    const publisher = new KafkaResultPublisher({
      client: new PlatformaticKafkaClient(settings),
      settings,
      events: new QueueEvents(),
      policies: makeTestPolicies(),
    })
    onTestFinished(() => publisher.close())
    const intake = rig.startIntake()
    await whenOwning(intake, 3)
    const published: Promise<void>[] = []
    const publish = (count: number) => {
      for (let left = count; left > 0; left--) published.push(publisher.publish([makeMessage(published.length)]))
    }
    publish(500)
    await waitUntil('some of it is there', () => intake.stored.length > 0)
    publish(500)
    await broker.kill()
    publish(500)
    await broker.restart()
    await Promise.all(published)
    const all = await rig.allRecords()
    expect(all.size).toBeGreaterThanOrEqual(1_500)
    await waitUntil('everything has come', () => new Set(intake.stored).size >= all.size, 50_000)
  }, 90_000)
})

function makeMessage(id: number): OutboxMessage {
  const [key, value] = [Buffer.from(`key-${id}`), Buffer.from(`{"n":${id}}`)]
  return { id, channel: 'results', eventId: `event-${id}`, key, value, traceparent: null, correlationId: null }
}
