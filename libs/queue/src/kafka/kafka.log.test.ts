import { Logger } from '@nestjs/common'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { QueueEvents } from './consumer/queue.events.js'
import { KafkaLog } from './kafka.log.js'

const lines: unknown[] = []

describe(KafkaLog.name, () => {
  beforeEach(() => {
    lines.length = 0
    for (const level of ['log', 'warn', 'error', 'debug'] as const) {
      vi.spyOn(Logger.prototype, level).mockImplementation((message: unknown, fields: unknown) => void lines.push([level, message, fields]))
    }
    return () => vi.restoreAllMocks()
  })

  it('writes what changes and what fails, one constant message each', () => {
    const events = new QueueEvents()
    const log = new KafkaLog(events)
    const partition = { topic: 'tasks', partition: 0 }
    const error = new Error('it failed')
    events.emit('assigned', { partitions: [partition], added: [partition] })
    events.emit('revoked', { partitions: [partition], undrained: [] })
    events.emit('reopening', { cause: error, attempt: 2, delayMs: 250 })
    events.emit('offsetReset', { ...partition, from: 5n, to: 9n, cause: 'out_of_range' })
    events.emit('offsetReset', { ...partition, from: 5n, to: 0n, cause: 'made_anew' })
    for (let attempt = 2; attempt < 9; attempt++) events.emit('partitionFailed', { ...partition, error, attempt, delayMs: 1 })
    events.emit('brokerSilent', { broker: 2 })
    events.emit('batchFailed', { ...partition, firstOffset: 7n, records: 2, sizeBytes: 9, attempt: 1, error, retryInMs: 100 })
    events.emit('produceFailed', { records: 3, attempt: 2, error })
    events.emit('topicsCreated', { topics: ['tasks'] })
    expect(log).toBeInstanceOf(KafkaLog)
    expect(lines).toEqual([
      ['log', 'partitions are assigned', { partitions: ['tasks[0]'], added: 1 }],
      ['log', 'partitions are given up', { partitions: ['tasks[0]'], undrained: [] }],
      ['warn', 'the session with Kafka has ended', { error: 'it failed', delayMs: 250 }],
      ['error', 'records are gone from Kafka before they were read', { topic: 'tasks', partition: 0, from: '5', to: '9' }],
      [
        'error',
        'the topic was deleted and made anew: it is read from its beginning, what was unread of the old one is lost',
        { topic: 'tasks', partition: 0, from: '5', to: '0' },
      ],
      ['error', 'a partition cannot be read', { topic: 'tasks', partition: 0, error: 'it failed' }],
      ['error', 'a broker does not answer: the partitions that it leads stand still', { broker: 2 }],
      [
        'warn',
        'a batch is not stored',
        {
          topic: 'tasks',
          partition: 0,
          firstOffset: '7',
          records: 2,
          attempt: 1,
          retryInMs: 100,
          error: 'it failed',
        },
      ],
      ['debug', 'results are not published', { records: 3, attempt: 2, error: 'it failed' }],
      ['log', 'topics are made', { topics: ['tasks'] }],
    ])
  })
})
