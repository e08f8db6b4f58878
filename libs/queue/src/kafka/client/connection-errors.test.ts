import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { makeTestSettings } from '../../testing/make-test-settings.js'
import { PlatformaticKafkaClient } from './platformatic-kafka.client.js'

it('lives on when a broker resets a connection in the middle of its authentication', async () => {
  let requests = 0
  const broker = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .once('data', () => {
        requests++
        socket.resetAndDestroy()
      })
  })
  broker.listen(0, '127.0.0.1')
  await once(broker, 'listening')
  onTestFinished(() => void broker.close())
  const unhandled: unknown[] = []
  const note = (error: unknown) => void unhandled.push(error)
  process.prependListener('uncaughtExceptionMonitor', note)
  onTestFinished(() => void process.off('uncaughtExceptionMonitor', note))
  const settings = makeTestSettings({
    KAFKA_BROKERS: `127.0.0.1:${(broker.address() as AddressInfo).port}`,
    KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
    KAFKA_SASL_USERNAME: 'user',
    KAFKA_SASL_PASSWORD: 'secret',
  })
  const admin = new PlatformaticKafkaClient(settings).createAdmin()
  onTestFinished(() => admin.close())
  await expect(admin.existing(['tasks'])).rejects.toThrow('Cannot connect')
  await delay(100)
  expect(requests).toBeGreaterThan(0)
  expect(unhandled).toEqual([])
})
