import { describe, expect, it, vi } from 'vitest'
import { FakeKafkaClient } from '../../testing/fake-kafka.client.js'
import { QueueEvents } from '../consumer/queue.events.js'
import { MissingTopicsError, TopicProvisioner } from './topic.provisioner.js'

const CREATE = { partitions: 3, replicationFactor: 1 }

function makeProvisioner(create: typeof CREATE | undefined) {
  const client = new FakeKafkaClient({ tasks: [] })
  const events = new QueueEvents()
  return { client, events, provisioner: new TopicProvisioner({ client, topics: ['tasks', 'results', 'dead'], create, events }) }
}

describe(TopicProvisioner.name, () => {
  it('makes the topics that are missing, once', async () => {
    const { client, events, provisioner } = makeProvisioner(CREATE)
    const created = vi.fn<(event: object) => void>()
    events.on('topicsCreated', created)
    await provisioner.ensure()
    await provisioner.ensure()
    expect(client.admin.created).toEqual([{ names: ['results', 'dead'], ...CREATE }])
    expect(created).toHaveBeenCalledExactlyOnceWith({ topics: ['results', 'dead'] })
    expect(client.admin.isClosed).toBe(true)
  })

  it('names the missing topics where it may not make them', async () => {
    const { provisioner } = makeProvisioner(undefined)
    await expect(provisioner.ensure()).rejects.toThrow(MissingTopicsError)
    await expect(provisioner.ensure()).rejects.toThrow(/no topic "results", "dead".*KAFKA_CREATE_TOPICS/)
  })

  it('closes its connections when Kafka is away', async () => {
    const { client, provisioner } = makeProvisioner(CREATE)
    client.admin.failure = new Error('Connection refused')
    await expect(provisioner.ensure()).rejects.toThrow('Connection refused')
    expect(client.admin.isClosed).toBe(true)
  })
})
