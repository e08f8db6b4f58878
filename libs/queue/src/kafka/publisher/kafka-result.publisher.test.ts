import type { OutboxMessage } from '#libs/kernel'
import { describe, expect, it, vi } from 'vitest'
import { FakeKafkaClient } from '../../testing/fake-kafka.client.js'
import { makeTestPolicies } from '../../testing/make-test-policies.js'
import { makeTestSettings } from '../../testing/make-test-settings.js'
import { QueueEvents } from '../consumer/queue.events.js'
import { ProduceError, type ProducedRecord } from '../kafka-client.port.js'
import { KafkaResultPublisher } from './kafka-result.publisher.js'

function makePublisher(env: Record<string, string> = {}) {
  const client = new FakeKafkaClient({})
  const events = new QueueEvents()
  const publisher = new KafkaResultPublisher({ client, settings: makeTestSettings(env), events, policies: makeTestPolicies() })
  return { publisher, producer: client.producer, events }
}

function makeMessage(id: number, change: Partial<OutboxMessage> = {}): OutboxMessage {
  const message = { id, channel: 'results', eventId: `event-${id}`, key: Buffer.from('key'), value: Buffer.from(`{"n":${id}}`) } as const
  return { ...message, traceparent: '00-trace', correlationId: 'correlation', ...change }
}

function readHeaders({ headers }: ProducedRecord): Record<string, string> {
  const texts = headers.map(String)
  return Object.fromEntries(texts.flatMap((name, index) => (index % 2 === 0 ? [[name, texts[index + 1]!]] : [])))
}

describe(KafkaResultPublisher.name, () => {
  it('puts results and dead letters on their topics, with the headers that consumers deduplicate and trace by', async () => {
    const { publisher, producer } = makePublisher()
    await publisher.publish([
      makeMessage(1),
      makeMessage(2, { channel: 'dead_letters', key: null, traceparent: null, correlationId: null }),
    ])
    const [result, deadLetter] = producer.requests.flat()
    expect(result).toMatchObject({ topic: 'llm.results', key: Buffer.from('key'), value: Buffer.from('{"n":1}') })
    expect(readHeaders(result!)).toEqual({
      'event-id': 'event-1',
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_id: 'event-1',
      ce_type: 'sluice.result',
      ce_source: 'sluice',
      traceparent: '00-trace',
      'correlation-id': 'correlation',
    })
    expect(deadLetter).toMatchObject({ topic: 'llm.dead-letters', key: null })
    expect(readHeaders(deadLetter!)).not.toHaveProperty('traceparent')
  })

  it('sends messages of several callers in one request', async () => {
    const { publisher, producer } = makePublisher()
    await Promise.all([1, 2, 3].map((id) => publisher.publish([makeMessage(id)])))
    expect(producer.requests.map((request) => request.length)).toEqual([3])
  })

  it('tries again while the brokers are away, then publishes', async () => {
    const { publisher, producer, events } = makePublisher()
    const failed = vi.fn<() => void>()
    events.on('produceFailed', failed)
    let failures = 2
    producer.refuse = () => {
      if (failures-- > 0) throw new ProduceError('unavailable', new Error('Connection closed'))
    }
    await publisher.publish([makeMessage(1)])
    expect(failed).toHaveBeenCalledTimes(2)
    expect(producer.requests).toHaveLength(1)
  })

  it('rejects with queue_unavailable, retryable, when its time budget is over', async () => {
    const { publisher, producer } = makePublisher({ KAFKA_PRODUCE_BUDGET_MS: '100' })
    producer.refuse = () => {
      throw new ProduceError('unavailable', new Error('TOPIC_AUTHORIZATION_FAILED'))
    }
    await expect(publisher.publish([makeMessage(1)])).rejects.toMatchObject({
      code: 'queue_unavailable',
      retryable: true,
      message: expect.stringContaining('TOPIC_AUTHORIZATION_FAILED'),
    })
  })

  it('rejects at once, without asking the brokers, once they have been away for long enough', async () => {
    const { publisher, producer } = makePublisher({ KAFKA_BREAKER_FAILURES: '2' })
    const send = vi.fn<() => void>(() => {
      throw new ProduceError('unavailable', new Error('Connection closed'))
    })
    producer.refuse = send
    await expect(publisher.publish([makeMessage(1)])).rejects.toMatchObject({ code: 'queue_unavailable', retryable: true })
    await expect(publisher.publish([makeMessage(2)])).rejects.toMatchObject({
      code: 'queue_unavailable',
      retryable: true,
      retryAfterMs: expect.any(Number) as number,
    })
    expect(send).toHaveBeenCalledTimes(2)
  })

  it('keeps asking brokers that answer, whatever they refuse', async () => {
    const { publisher, producer } = makePublisher({ KAFKA_BREAKER_FAILURES: '1', KAFKA_RETRY_INITIAL_DELAY_MS: '1' })
    let failures = 3
    producer.refuse = () => {
      if (failures-- > 0) throw new ProduceError('refused', new Error('TOPIC_AUTHORIZATION_FAILED'))
    }
    await publisher.publish([makeMessage(1)])
    expect(producer.requests).toHaveLength(1)
  })

  it('names a message that is too large and publishes those that shared its request', async () => {
    const { publisher, producer } = makePublisher()
    producer.refuse = (records) => {
      if (records.some(({ value }) => value.length > 100)) throw new ProduceError('too_large', new Error('MESSAGE_TOO_LARGE'))
    }
    const messages = [1, 2, 3, 4, 5].map((id) => makeMessage(id, id === 3 ? { value: Buffer.alloc(101) } : {}))
    const outcomes = await Promise.allSettled(messages.map((message) => publisher.publish([message])))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    expect((outcomes[2] as PromiseRejectedResult).reason).toMatchObject({
      code: 'message_too_large',
      retryable: false,
      details: { topic: 'llm.results', eventId: 'event-3', sizeBytes: 101 },
    })
    expect(producer.requests.flat()).toHaveLength(4)
  })

  it('keeps a request below its bytes', async () => {
    const { publisher, producer } = makePublisher({ KAFKA_PRODUCE_BATCH_BYTES: '1024', KAFKA_PRODUCE_IN_FLIGHT: '1' })
    await publisher.publish([1, 2, 3].map((id) => makeMessage(id, { value: Buffer.alloc(600) })))
    expect(producer.requests.map((request) => request.length)).toEqual([1, 1, 1])
  })

  it('waits for what is under way when it is closed', async () => {
    const { publisher, producer } = makePublisher()
    const published = publisher.publish([makeMessage(1)])
    await publisher.close()
    await published
    expect(producer.requests).toHaveLength(1)
    expect(producer.isClosed).toBe(true)
  })
})
