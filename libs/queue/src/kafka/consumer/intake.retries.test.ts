import { ResilienceEvents, type RetryEvent } from '#libs/resilience'
import { describe, expect, it } from 'vitest'
import { makeTestSettings } from '../../testing/make-test-settings.js'
import { IntakeRetries } from './intake.retries.js'
import { QueueEvents } from './queue.events.js'

describe(IntakeRetries.name, () => {
  it('tells failed fetches, commits and sessions as retries of Kafka', () => {
    const [queue, resilience] = [new QueueEvents(), new ResilienceEvents()]
    const retries: RetryEvent[] = []
    resilience.on('retried', (event) => retries.push(event))
    expect(new IntakeRetries(queue, resilience, makeTestSettings({ KAFKA_COMMIT_INTERVAL_MS: '70' }))).toBeInstanceOf(IntakeRetries)
    const error = new Error('it failed')
    queue.emit('fetchFailed', { error, attempt: 2, delayMs: 50 })
    queue.emit('commitFailed', { offsets: [], error, attempt: 3 })
    queue.emit('reopening', { cause: error, attempt: 4, delayMs: 60 })
    expect(retries).toEqual([
      { port: 'kafka', attempt: 2, delayMs: 50, error },
      { port: 'kafka', attempt: 3, delayMs: 70, error },
      { port: 'kafka', attempt: 4, delayMs: 60, error },
    ])
  })
})
