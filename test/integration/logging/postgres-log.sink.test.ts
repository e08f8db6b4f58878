import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, onTestFinished } from 'vitest'
import { createDatabase, dropDatabase, startStack, type Stack } from '#tools/stack'
import { TcpProxy, waitUntil } from '#tools/rig'
import { LogLineStore } from '../../../libs/logging/src/postgres/log-line.store.js'
import { PostgresLogSink } from '../../../libs/logging/src/postgres/postgres-log.sink.js'

const DAY_MS = 86_400_000
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'

let made = 0
let url: string
let reader: pg.Pool

beforeEach(async () => {
  const name = `log_${process.pid}_${++made}`
  url = await createDatabase(inject('stack').databaseUrl, name)
  reader = new pg.Pool({ connectionString: url, max: 1 })
  return async () => {
    await reader.end()
    await dropDatabase(inject('stack').databaseUrl, name)
  }
})

const ask = async <T extends pg.QueryResultRow>(text: string, values: unknown[] = []) => (await reader.query<T>(text, values)).rows

function createSink(
  options: { address?: string; maxWaiting?: number; retentionDays?: number; nowMs?: () => number } = {},
): PostgresLogSink {
  const { address = url, maxWaiting = 8 * 1024 * 1024, retentionDays = 14, nowMs } = options
  const store = new LogLineStore({ url: address, retentionDays })
  const sink = new PostgresLogSink(store, { maxWaiting, onChange: () => undefined, ...(nowMs && { nowMs }) })
  onTestFinished(() => sink.close(100))
  return sink
}

function makeLine(fields: Readonly<Record<string, unknown>> = {}): string {
  const line = {
    level: 'info',
    timestamp: new Date().toISOString(),
    service: 'sluice',
    version: '1',
    settings_version: 1,
    message: 'a line',
    ...fields,
  }
  return `${JSON.stringify(line)}\n`
}

const days = () => ask<{ name: string }>(`SELECT relname AS name FROM pg_class WHERE relname ~ '^log_line_[0-9]+$' ORDER BY 1`)
const count = async (table = 'log_line') => Number((await ask<{ count: string }>(`SELECT count(*) FROM ${table}`))[0]!.count)

describe(PostgresLogSink.name, () => {
  it('stores lines so that they are found by task and by trace', async () => {
    const sink = createSink()
    sink.write(
      makeLine({
        task_id: 't-1',
        trace_id: TRACE_ID,
        tenant: 'acme',
        attempt: 2,
        context: 'TaskRunner',
        message: 'it failed',
        code: 'llm_timeout',
      }),
    )
    sink.write(makeLine({ task_id: 't-2' }))
    await sink.flush(5_000)
    const [line, ...others] = await ask('SELECT * FROM log_line WHERE task_id = $1', ['t-1'])
    expect(others).toEqual([])
    expect(line).toMatchObject({
      level: 'info',
      service: 'sluice',
      attempt: 2,
      tenant: 'acme',
      context: 'TaskRunner',
      message: 'it failed',
      settings_version: 1,
    })
    expect(line!.line).toMatchObject({ code: 'llm_timeout' })
    await expect(ask('SELECT task_id FROM log_line WHERE trace_id = $1', [TRACE_ID])).resolves.toEqual([{ task_id: 't-1' }])
    await expect(ask(`SELECT indexdef FROM pg_indexes WHERE tablename = 'log_line'`)).resolves.toHaveLength(2)
  })

  it('keeps lines by day, makes days ahead, and drops those that are old', async () => {
    const nowMs = Date.parse('2026-01-20T12:00:00Z')
    const sink = createSink({ nowMs: () => nowMs, retentionDays: 7 })
    sink.write(makeLine({ timestamp: new Date(nowMs).toISOString() }))
    await sink.flush(5_000)
    expect((await days()).map(({ name }) => name)).toEqual([19, 20, 21, 22, 23].map((day) => `log_line_202601${day}`))
    await expect(count('log_line_20260120')).resolves.toBe(1)
    const later = createSink({ nowMs: () => nowMs + 8 * DAY_MS, retentionDays: 7 })
    later.write(makeLine({ timestamp: new Date(nowMs + 8 * DAY_MS).toISOString() }))
    await later.flush(5_000)
    expect((await days()).map(({ name }) => name)).toEqual([21, 22, 23, 27, 28, 29, 30, 31].map((day) => `log_line_202601${day}`))
  })

  it('keeps a line of a day for which there is no partition', async () => {
    const sink = createSink()
    sink.write(makeLine({ timestamp: '2001-01-01T00:00:00Z', message: 'a clock that is wrong' }))
    await sink.flush(5_000)
    await expect(count('log_line_other')).resolves.toBe(1)
  })

  it('loses only the line that PostgreSQL cannot take', async () => {
    const sink = createSink()
    for (let index = 0; index < 40; index++)
      sink.write(makeLine({ task_id: `t-${index}`, message: index === 17 ? 'a \u0000 in it' : 'fine' }))
    await waitUntil(() => sink.written + sink.dropped === 40, { what: 'all lines to be settled' })
    expect([sink.written, sink.dropped]).toEqual([39, 1])
    await expect(count()).resolves.toBe(39)
  })

  it('makes its tables once when several replicas start together', async () => {
    const sinks = Array.from({ length: 4 }, () => createSink())
    sinks.forEach((sink, index) => sink.write(makeLine({ task_id: `t-${index}` })))
    await Promise.all(sinks.map((sink) => sink.flush(10_000)))
    await expect(count()).resolves.toBe(4)
  })

  it('writes where it may not make tables, if somebody has made them', async () => {
    const owner = createSink()
    owner.write(makeLine())
    await owner.flush(5_000)
    const role = `log_writer_${process.pid}_${made}`
    await ask(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`)
    await ask(`GRANT INSERT, SELECT ON log_line, log_batch TO ${role}`)
    const address = new URL(url)
    Object.assign(address, { username: role, password: 'secret' })
    const sink = createSink({ address: String(address) })
    sink.write(makeLine({ task_id: 'granted' }))
    await sink.close(5_000)
    await ask(`DROP OWNED BY ${role}`)
    await ask(`DROP ROLE ${role}`)
    expect(sink.written).toBe(1)
  })
})

describe(`${PostgresLogSink.name}, without PostgreSQL`, { timeout: 60_000 }, () => {
  let stack: Stack

  beforeAll(async () => {
    stack = await startStack({ name: 'log-sink', parts: ['postgres'] })
  })
  afterAll(() => stack?.[Symbol.asyncDispose]())

  it('takes 100,000 lines in bounded memory, counts each that is lost, and goes on when PostgreSQL is back', async () => {
    const address = await createDatabase(stack.databaseUrl, 'logs')
    const server = stack.server('postgres')
    const maxWaiting = 4 * 1024 * 1024
    const sink = createSink({ address, maxWaiting })
    sink.write(makeLine({ task_id: 'before' }))
    await sink.flush(5_000)
    await server.kill()
    const line = makeLine({ task_id: 'during', filler: 'x'.repeat(400) })
    const heapBefore = process.memoryUsage().heapUsed
    for (let index = 0; index < 100_000; index++) {
      sink.write(line)
      if (index % 1_000 === 0) await new Promise(setImmediate)
    }
    const fits = Math.floor(maxWaiting / line.length)
    expect(sink.dropped).toBe(100_000 - fits)
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(4 * maxWaiting)
    await server.restart()
    await waitUntil(() => sink.written === fits + 1, { what: 'what was kept to be stored', timeoutMs: 40_000 })
    sink.write(makeLine({ task_id: 'after' }))
    await sink.flush(5_000)
    const pool = new pg.Pool({ connectionString: address, max: 1 })
    onTestFinished(() => pool.end())
    const { rows } = await pool.query(`SELECT task_id, count(*)::integer AS lines FROM log_line GROUP BY 1 ORDER BY 1`)
    expect(rows).toEqual([
      { task_id: 'after', lines: 1 },
      { task_id: 'before', lines: 1 },
      { task_id: 'during', lines: fits },
    ])
    expect(sink.written + sink.dropped).toBe(100_002)
  })
})

describe(LogLineStore.name, () => {
  it('survives a connection that breaks while it is at work: an error that nobody listened to ended the process', async () => {
    const { proxy, url: address } = await TcpProxy.before(url)
    const sink = createSink({ address })
    onTestFinished(() => proxy.close())
    const uncaught: unknown[] = []
    const note = (error: unknown) => uncaught.push(error)
    process.on('uncaughtException', note)
    onTestFinished(() => void process.off('uncaughtException', note))
    for (let round = 0; round < 20; round++) {
      for (let index = 0; index < 50; index++) sink.write(makeLine({ task_id: `t-${round}` }))
      void sink.flush(500)
      await new Promise((resolve) => setTimeout(resolve, 15))
      proxy.cut()
    }
    await waitUntil(() => sink.written + sink.dropped === 1_000, { what: 'all lines to arrive', timeoutMs: 30_000 })
    expect(uncaught).toEqual([])
    await expect(count()).resolves.toBe(1_000)
  })
})
