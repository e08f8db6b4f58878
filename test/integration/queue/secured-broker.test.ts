import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer as createTcpServer, connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { KafkaResultPublisher, PlatformaticKafkaClient, QueueEvents } from '#libs/queue'
import { startStack, takeFreePort, type LocalServer, type Stack } from '#tools/stack'
import { makeIdentity } from '../../../libs/llm/src/testing/certificates.js'
import { makeTestPolicies } from '../../../libs/queue/src/testing/make-test-policies.js'
import { makeOutboxMessage } from '../../factories/outbox-message.factory.js'
import { makeTemporaryFolder } from '../../factories/temporary-folder.factory.js'
import { KafkaRig, waitUntil, whenOwning, whenReady } from './kafka.rig.js'
import { makeFullRights, makeWriteBan, openAdmin, setPassword } from './secured-broker.js'

/** A broker of its own: it asks who its clients are, and is restarted. */
let stack: Stack
let broker: LocalServer
let saslPort: number
let tlsPort: number
const authority = makeIdentity('authority', { authority: true })
const identity = makeIdentity('broker', { issuer: authority })
const plainPort = () => broker.ports.kafka

beforeAll(async () => {
  saslPort = await takeFreePort()
  tlsPort = await takeFreePort()
  const tls = { port: tlsPort, certPem: identity.certPem, keyPem: identity.keyPem }
  stack = await startStack({ name: 'queue-secured', parts: ['kafka'], kafka: { quickStart: true, secured: { saslPort, tls } } })
  broker = stack.server('kafka')
})

afterAll(() => stack?.stop())

const tlsEnv = (ca: string, port = tlsPort) => ({ KAFKA_BROKERS: `127.0.0.1:${port}`, KAFKA_TLS_ENABLED: 'true', KAFKA_TLS_CA: ca })

const saslEnv = (user: string, file: string, port = saslPort) => ({
  KAFKA_BROKERS: `127.0.0.1:${port}`,
  KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
  KAFKA_SASL_USERNAME: user,
  KAFKA_SASL_PASSWORD_FILE: file,
})

/** A user with all rights, and the file that has the password. */
async function makeUser(name: string): Promise<{ file: string; rotate: (password: string) => Promise<void> }> {
  const file = join(makeTemporaryFolder(), 'password')
  const rotate = async (password: string) => {
    await setPassword(plainPort(), name, password)
    await writeFile(file, `${password}\n`)
  }
  await rotate('first')
  await openAdmin(plainPort()).createAcls({ creations: makeFullRights(name) })
  return { file, rotate }
}

describe('the intake over TLS', () => {
  it('reads from a broker whose certificate its own authority has signed', async () => {
    const rig = await KafkaRig.create(stack.kafkaBrokers)
    const intake = rig.startIntake({ env: tlsEnv(authority.certPem) })
    await whenOwning(intake, 3)
    await rig.produce(30)
    await waitUntil('everything is stored', () => intake.stored.length >= 30)
    expect(new Set(intake.stored)).toEqual(await rig.allRecords())
  })

  it('refuses a broker that another authority has signed, says so, and reads nothing', async () => {
    const rig = await KafkaRig.create(stack.kafkaBrokers)
    await rig.produce(30)
    const intake = rig.startIntake({ env: tlsEnv(makeIdentity('stranger', { authority: true }).certPem) })
    await waitUntil('the reason is told', () => /certificate/.test(intake.status.current.lastError?.message ?? ''))
    expect(intake.status.current.state).not.toBe('ready')
    expect(intake.stored).toEqual([])
  })

  it('refuses a certificate that has expired, and says so', async () => {
    const expired = makeIdentity('expired', { issuer: authority, notAfter: new Date(Date.now() - 1_000) })
    const server = createTlsServer({ cert: expired.certPem, key: expired.keyPem })
    server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const rig = await KafkaRig.create(stack.kafkaBrokers)
    const intake = rig.startIntake({ env: tlsEnv(authority.certPem, (server.address() as AddressInfo).port) })
    await waitUntil('the reason is told', () => /certificate has expired/.test(intake.status.current.lastError?.message ?? ''))
    expect(intake.status.current.state).not.toBe('ready')
  })
})

describe('the intake with SCRAM', () => {
  it('goes on without a restart when its password was rotated and every connection has ended', async () => {
    const { file, rotate } = await makeUser('rotated')
    const rig = await KafkaRig.create(stack.kafkaBrokers)
    const intake = rig.startIntake({ env: saslEnv('rotated', file) })
    await whenOwning(intake, 3)
    await rig.produce(30)
    await waitUntil('the first records are stored', () => intake.stored.length >= 30)
    await rotate('second')
    await broker.restart()
    await rig.produce(30)
    // More than was asked for, where the producer had to repeat itself.
    const all = await rig.allRecords()
    await waitUntil('the others are stored', () => new Set(intake.stored).size >= all.size, 50_000)
    expect(new Set(intake.stored)).toEqual(all)
  }, 90_000)

  it('says that its password is wrong, does not try in a tight loop, and works once the file is right', async () => {
    const { file } = await makeUser('mistaken')
    await writeFile(file, 'wrong\n')
    let connections = 0
    const counter = createTcpServer((client) => {
      connections++
      const server = connect(saslPort, '127.0.0.1')
      client.on('error', () => server.destroy()).pipe(server)
      server.on('error', () => client.destroy()).pipe(client)
    })
    counter.listen(0, '127.0.0.1')
    await once(counter, 'listening')
    onTestFinished(() => void counter.close())
    const rig = await KafkaRig.create(stack.kafkaBrokers)
    const intake = rig.startIntake({ env: saslEnv('mistaken', file, (counter.address() as AddressInfo).port) })
    await waitUntil('the reason is told', () => /authenticat|credential/i.test(intake.status.current.lastError?.message ?? ''))
    expect(intake.status.current.state).not.toBe('ready')
    const before = connections
    await delay(5_000)
    expect(connections - before).toBeLessThan(60)
    await writeFile(file, 'first\n')
    await whenReady(intake)
  }, 60_000)

  it('keeps results for later while it may not write to their topic, and publishes them when it may again', async () => {
    const { file } = await makeUser('banned')
    const rig = await KafkaRig.create(stack.kafkaBrokers)
    const settings = rig.withSettings({ ...saslEnv('banned', file), KAFKA_PRODUCE_BUDGET_MS: '1000' })
    const admin = openAdmin(plainPort())
    const ban = makeWriteBan('banned', rig.topic)
    await admin.createAcls({ creations: [ban] })
    const client = new PlatformaticKafkaClient(settings)
    const publisher = new KafkaResultPublisher({ client, settings, events: new QueueEvents(), policies: makeTestPolicies() })
    onTestFinished(() => publisher.close())
    const intake = rig.startIntake({ env: saslEnv('banned', file) })
    await whenOwning(intake, 3)
    await expect(publisher.publish([makeOutboxMessage()])).rejects.toMatchObject({ code: 'queue_unavailable', retryable: true })
    expect(intake.status.current.state).toBe('ready')
    await admin.deleteAcls({ filters: [ban] })
    await waitUntil('it is published', () =>
      publisher.publish([makeOutboxMessage()]).then(
        () => true,
        () => false,
      ),
    )
    await waitUntil('it has come', () => intake.stored.length >= 1)
  }, 60_000)
})
