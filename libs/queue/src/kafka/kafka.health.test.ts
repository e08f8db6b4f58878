import type { HealthRegistry } from '#libs/health'
import { describe, expect, it, vi } from 'vitest'
import { KafkaStatus } from './consumer/kafka-status.js'
import { KafkaHealth } from './kafka.health.js'

function makeHealth() {
  const register = vi.fn<(contributor: unknown) => void>()
  const status = new KafkaStatus()
  return { status, register, health: new KafkaHealth({ register } as unknown as HealthRegistry, status) }
}

describe(KafkaHealth.name, () => {
  it('is down and says why while the intake is not ready', async () => {
    const { status, register, health } = makeHealth()
    status.update({ state: 'connecting', lastError: new Error('connect ECONNREFUSED 127.0.0.1:9092') })
    expect(await health.check()).toEqual({
      status: 'down',
      details: { state: 'connecting', partitions: 0, error: 'connect ECONNREFUSED 127.0.0.1:9092' },
    })
    expect(register).toHaveBeenCalledExactlyOnceWith(health)
  })

  it('is down, and names them, while brokers are silent, though the group answers', async () => {
    const { status, health } = makeHealth()
    status.update({ state: 'ready' })
    status.watchFetches({ lastFetchAt: null, lags: [], silentBrokers: [2] })
    expect(await health.check()).toEqual({ status: 'down', details: { state: 'ready', partitions: 0, silent_brokers: [2] } })
  })

  it('is up once the group has answered, with or without partitions', async () => {
    const { status, health } = makeHealth()
    status.update({ state: 'ready', assignments: [{ topic: 'tasks', partition: 3 }] })
    expect(await health.check()).toEqual({ status: 'up', details: { state: 'ready', partitions: 1 } })
    status.update({ assignments: [] })
    expect(await health.check()).toMatchObject({ status: 'up' })
  })
})
