import { describe, expect, it, vi } from 'vitest'
import { FakeKafkaClient } from '../../testing/fake-kafka.client.js'
import { QueueEvents } from '../consumer/queue.events.js'
import { RetentionCheck } from './retention.check.js'

const DAY_MS = 86_400_000

function makeCheck(retentionMs: number, taskIdDays: number) {
  const client = new FakeKafkaClient({ tasks: [{ first: 0n, next: 0n }] })
  client.admin.retentionMs = retentionMs
  const events = new QueueEvents()
  return { check: new RetentionCheck({ client, topics: ['tasks'], taskIdDays, events }), client, events }
}

describe(RetentionCheck.name, () => {
  it('is content when ids are kept a day longer than records', async () => {
    await expect(makeCheck(7 * DAY_MS, 8).check.ensure()).resolves.toBeUndefined()
  })

  it('refuses ids that are forgotten before their records are, and says what to set', async () => {
    await expect(makeCheck(14 * DAY_MS, 8).check.ensure()).rejects.toThrow(
      'TASK_ID_RETENTION_DAYS must be at least 15: the topic "tasks" keeps its records for 14 days (got 8)',
    )
  })

  it('wants ids for ever where records are kept for ever', async () => {
    await expect(makeCheck(Number.POSITIVE_INFINITY, 365).check.ensure()).rejects.toThrow(/must be 0 \(for ever\)/)
    await expect(makeCheck(Number.POSITIVE_INFINITY, 0).check.ensure()).resolves.toBeUndefined()
  })

  it('reports that it could not check where the brokers do not tell', async () => {
    const { check, client, events } = makeCheck(1, 8)
    const unknown = vi.fn<() => void>()
    events.on('retentionUnknown', unknown)
    client.admin.failure = new Error('TOPIC_AUTHORIZATION_FAILED')
    await check.ensure()
    expect(unknown).toHaveBeenCalledExactlyOnceWith({ error: client.admin.failure })
    expect(client.admin.isClosed).toBe(true)
  })
})
