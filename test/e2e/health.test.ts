import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitUntil, type ServiceRig, type WorkerProcess } from '#tools/rig'
import { takeFreePort } from '#tools/stack'
import { ask } from './exchange.js'
import { makePrompt, openRig } from './open-rig.js'

const ADMIN_TOKEN = 'a-token-of-operators'

describe('Sluice, looked at by an operator', { timeout: 60_000 }, () => {
  let rig: ServiceRig
  let worker: WorkerProcess
  let adminUrl: string

  beforeAll(async () => {
    const port = await takeFreePort()
    adminUrl = `http://127.0.0.1:${port}`
    rig = await openRig('operator', { ADMIN_PORT: String(port), ADMIN_TOKEN, LOG_LEVEL: 'info' })
    worker = await rig.startWorker()
  })
  afterAll(() => rig?.close())

  const askAdmin = async (method: string, path: string, body?: unknown) => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, ...(body !== undefined && { 'content-type': 'application/json' }) }
    const response = await fetch(`${adminUrl}/${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  const rules = () => askAdmin('GET', 'log-levels').then(({ body }) => body.rules as unknown[])

  it('tells each dependency by its name, with state, latency and what it is', async () => {
    const response = await fetch(`${worker.url}/health/ready`)
    expect(response.status).toBe(200)
    const { details } = (await response.json()) as { details: Record<string, Record<string, unknown>> }
    expect(Object.keys(details).toSorted()).toEqual(['kafka', 'lifecycle', 'llm', 'postgres', 's3', 'schema'])
    for (const name of ['kafka', 'llm', 'postgres', 's3', 'schema']) {
      expect(details[name]).toMatchObject({ status: 'up', latency_ms: expect.any(Number) as number })
    }
    expect(details.schema).toMatchObject({ version: details.schema!.needs })
  })

  it('tells operators what it does, on the admin port alone', async () => {
    await ask(rig, makePrompt('seen'))
    const { status, body } = await askAdmin('GET', 'health/details')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      service: 'sluice',
      settings_version: 1,
      breakers: { postgres: 'closed', kafka: 'closed', s3: 'closed' },
      admission: { streams: [{ limit: 10, in_use: 0 }] },
      ledger: { intake: { open: true }, lease: { is_fresh: true } },
      kafka: { state: 'ready' },
      work: { tasks_in_hand: 0 },
    })
    await expect(fetch(`${worker.url}/health/details`)).resolves.toMatchObject({ status: 404 })
    await expect(fetch(`${adminUrl}/metrics`)).resolves.toMatchObject({ status: 404 })
    await expect(fetch(`${adminUrl}/health/details`)).resolves.toMatchObject({ status: 401 })
  })

  it('shows how far behind Kafka it is', async () => {
    const lag = await waitUntil(
      async () => {
        const { body } = await askAdmin('GET', 'health/details')
        const { lag: all } = body.kafka as { lag: { records: number }[] }
        return all.length === 2 && all
      },
      { what: 'the ends of both partitions to be known' },
    )
    expect(lag.every(({ records }) => records === 0)).toBe(true)
  })

  it('logs one task at debug for a while, without a restart', async () => {
    const change = { actor: 'ada', reason: 'to see one task' }
    const { status } = await askAdmin('PUT', 'log-levels', { ...change, scope: 'task_id', name: 'watched', level: 'trace', minutes: 5 })
    expect(status).toBe(200)
    await expect(rig.ledger.value(`SELECT count(*) FROM audit_record WHERE action = 'log_level.set' AND actor = 'ada'`)).resolves.toBe(1)
    await ask(rig, makePrompt('watched'), makePrompt('unwatched'))
    const lines = await readLines(rig)
    const about = (taskId: string) =>
      lines.filter(({ task_id: id, level }) => id === taskId && level === 'debug').map(({ message }) => message)
    expect(about('watched')).toEqual(['a call has ended', 'a dispatch has ended'])
    expect(about('unwatched')).toEqual([])
    expect(lines.find(({ task_id: id }) => id === 'watched')).toMatchObject({
      service: 'sluice',
      trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      span_id: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      attempt: 1,
      settings_version: 1,
    })
    const cleared = await askAdmin('DELETE', 'log-levels', { ...change, scope: 'task_id', name: 'watched' })
    expect(cleared.body).toMatchObject({ rules: [] })
  })

  it('keeps its log lines in PostgreSQL', async () => {
    const lines = await waitUntil(
      async () => {
        const found = await rig.ledger.rows<{ level: string; line: object }>(
          `SELECT level, line FROM log_line WHERE message = 'log levels were changed'`,
        )
        return found.length > 0 && found
      },
      { what: 'the line of the change' },
    )
    expect(lines[0]).toMatchObject({ level: 'warn', line: { service: 'sluice', context: 'LogLevelController', actor: 'ada' } })
  })

  it('logs everything at debug after SIGUSR2, and no more after another one', async () => {
    worker.signal('SIGUSR2')
    await waitUntil(async () => (await rules()).length === 1, { what: 'the rule of the signal' })
    worker.signal('SIGUSR2')
    await waitUntil(async () => (await rules()).length === 0, { what: 'the rule to go' })
    expect(worker.isRunning).toBe(true)
  })
})

async function readLines({ logFile }: ServiceRig): Promise<Record<string, unknown>[]> {
  const text = await readFile(logFile, 'utf8')
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
