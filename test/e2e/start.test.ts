import { readFile } from 'node:fs/promises'
import { TcpProxy, waitUntil, type ServiceRig, type WorkerProcess } from '#tools/rig'
import { afterEach, describe, expect, inject, it, onTestFinished } from 'vitest'
import { ask, send } from './exchange.js'
import { makePrompt, openRig } from './open-rig.js'

interface Readiness {
  readonly status: number
  readonly body: string
}

async function readReadiness({ url }: WorkerProcess): Promise<Readiness | undefined> {
  const answer = await fetch(`${url}/health/ready`).catch(() => undefined)
  return answer && { status: answer.status, body: await answer.text() }
}

async function openProxy(host: string, port: number): Promise<TcpProxy> {
  const proxy = await TcpProxy.start(host, port)
  proxy.refuse()
  onTestFinished(() => proxy.close())
  return proxy
}

describe('Sluice, at its start', { timeout: 90_000 }, () => {
  let rig: ServiceRig

  afterEach(() => rig?.close())

  it('is ready within three seconds, and makes what is missing', async () => {
    rig = await openRig('cold')
    const begun = performance.now()
    await rig.startWorker()
    const readyMs = performance.now() - begun
    await expect(ask(rig, makePrompt('first'))).resolves.toMatchObject([{ outcome: 'succeeded' }])
    // Three seconds on a machine of its own; a test machine that others use too is given more.
    expect(readyMs).toBeLessThan(process.env.CI ? 30_000 : 15_000)
  })

  it('waits for PostgreSQL, alive and not ready, and works when it comes', async () => {
    rig = await openRig('no-postgres')
    const { hostname, port } = new URL(rig.databaseUrl)
    const proxy = await openProxy(hostname, Number(port))
    const through = new URL(rig.databaseUrl)
    through.port = String(proxy.port)
    const worker = await rig.launchWorker({ DATABASE_URL: through.href })
    const readiness = await waitUntil(() => readReadiness(worker), { what: 'an answer' })
    expect(readiness.status).toBe(503)
    expect(readiness.body).toContain('postgres')
    const live = await fetch(`${worker.url}/health/live`)
    expect(live.status).toBe(200)
    await send(rig, [makePrompt('early')])
    proxy.accept()
    await worker.whenReady()
    await expect(ask(rig, makePrompt('late'))).resolves.toMatchObject([{ outcome: 'succeeded' }])
  })

  it('waits for Kafka, alive and not ready, and works when it comes', async () => {
    rig = await openRig('no-kafka')
    const [host, port] = inject('stack').kafkaBrokers[0]!.split(':')
    const proxy = await openProxy(host!, Number(port))
    const worker = await rig.launchWorker({ KAFKA_BROKERS: `127.0.0.1:${proxy.port}` })
    const readiness = await waitUntil(
      async () => {
        const seen = await readReadiness(worker)
        return seen?.body.includes('kafka') && seen
      },
      { what: 'an answer that names Kafka' },
    )
    expect(readiness.status).toBe(503)
    proxy.accept()
    await worker.whenReady()
    await expect(ask(rig, makePrompt('late'))).resolves.toMatchObject([{ outcome: 'succeeded' }])
  })

  it('exits with 78 and names every wrong or missing setting at once', async () => {
    rig = await openRig('settings')
    const worker = await rig.launchWorker({
      DATABASE_URL: 'mysql://nowhere',
      KAFKA_BROKERS: '',
      S3_SECRET_KEY: '',
      HTTP_PORT: 'eighty',
      LEASE_DURATION_MS: '10',
      LOG_LEVEL: 'loud',
    })
    await expect(worker.exited).resolves.toEqual({ code: 78, signal: null })
    const told = await waitUntil(
      async () => {
        const log = await readFile(rig.logFile, 'utf8').catch(() => '')
        return log.includes('wrong or missing') && log
      },
      { what: 'the problems to be told' },
    )
    for (const setting of ['DATABASE_URL', 'KAFKA_BROKERS', 'S3_SECRET_KEY', 'HTTP_PORT', 'LEASE_DURATION_MS', 'LOG_LEVEL'])
      expect(told).toContain(setting)
  })

  it('refuses to start where a new group would pay for the whole history of a topic', async () => {
    rig = await openRig('history')
    await send(rig, [makePrompt('old')])
    const { KAFKA_START_FROM: _, ...env } = rig.env
    const worker = await rig.launchWorkerWith(env)
    const { code } = await worker.exited
    expect(code).not.toBe(0)
    const log = await waitUntil(
      async () => {
        const text = await readFile(rig.logFile, 'utf8')
        return text.includes('KAFKA_START_FROM') && text
      },
      { what: 'the reason' },
    )
    expect(log).toContain(rig.topics.names.tasks)
    await expect(rig.calls()).resolves.toEqual([])
  })
})
