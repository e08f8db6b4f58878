import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { Test } from '@nestjs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Readiness, StatusRegistry } from '#libs/health'
import { AuditLog, Clock, SystemClock, TaskError, type AuditEntry } from '#libs/kernel'
import { LogLevels } from '#libs/logging'
import { BreakerBoard } from '#libs/resilience'
import { AdminHttpModule } from './admin-http.module.js'
import { adminHttpSettings } from './admin-http.settings.js'

const TOKEN = 'a-token-of-operators'
const HEAP_TOKEN = 'a-token-for-heap-snapshots'
const CHANGE = { actor: 'ada', reason: 'a test' }

class FakeAuditLog extends AuditLog {
  readonly entries: AuditEntry[] = []
  failure: Error | undefined

  record(entry: AuditEntry): Promise<void> {
    if (this.failure) return Promise.reject(this.failure)
    this.entries.push(entry)
    return Promise.resolve()
  }
}

async function create(env: Record<string, string> = { ADMIN_TOKEN: TOKEN, ADMIN_HEAP_TOKEN: HEAP_TOKEN }) {
  const audit = new FakeAuditLog()
  const clock = new SystemClock()
  const levels = new LogLevels('info', clock)
  const status = new StatusRegistry()
  const services = [
    { provide: AuditLog, useValue: audit },
    { provide: BreakerBoard, useValue: { states: { postgres: 'open' } } },
    { provide: Clock, useValue: clock },
    { provide: LogLevels, useValue: levels },
    { provide: Readiness, useValue: { indicators: () => Promise.resolve({ kafka: { status: 'up' } }) } },
    { provide: StatusRegistry, useValue: status },
  ]
  const settings = adminHttpSettings.parse({ ADMIN_PORT: '0', ...env })
  const imports = [AdminHttpModule.forRoot({ identity: { service: 'sluice', version: '1.2.3' }, settings, services })]
  const module = await Test.createTestingModule({ imports }).compile()
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false })
  await app.listen(0, '127.0.0.1')
  onTestFinished(() => app.close())
  const url = await app.getUrl()
  const ask = async (method: string, path: string, { token = TOKEN, body }: { token?: string | undefined; body?: unknown } = {}) => {
    const headers = {
      ...(token !== '' && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    }
    const response = await fetch(`${url}/${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
  }
  return { audit, levels, ask }
}

describe(AdminHttpModule.name, () => {
  it('tells an operator what the replica does', async () => {
    const { ask } = await create()
    const { status, text } = await ask('GET', 'health/details')
    expect(status).toBe(200)
    expect(JSON.parse(text)).toMatchObject({
      service: 'sluice',
      version: '1.2.3',
      settings_version: 1,
      health: { kafka: { status: 'up' } },
      breakers: { postgres: 'open' },
    })
  })

  it.each([
    ['no token', ''],
    ['a wrong token', 'another-token-of-nobody'],
    ['a token with its end cut off', TOKEN.slice(0, -1)],
  ])('lets nobody in with %s', async (_, token) => {
    const { ask } = await create()
    const { status, type, text } = await ask('GET', 'health/details', { token })
    expect(status).toBe(401)
    expect(type).toContain('application/problem+json')
    expect(JSON.parse(text)).toMatchObject({ status: 401, code: 'unauthorized' })
    expect(text).not.toContain(TOKEN)
  })

  it('is closed to everybody while no token is set, and says which one to set', async () => {
    const { ask } = await create({})
    expect(await ask('GET', 'log-levels')).toMatchObject({ status: 403, text: expect.stringContaining('ADMIN_TOKEN') as string })
    expect(await ask('POST', 'profiles/heap', { body: CHANGE })).toMatchObject({
      status: 403,
      text: expect.stringContaining('ADMIN_HEAP_TOKEN') as string,
    })
  })

  it('gives each token what is its own', async () => {
    const { ask, audit } = await create()
    expect(await ask('POST', 'profiles/heap', { body: CHANGE })).toMatchObject({ status: 403 })
    expect(await ask('GET', 'health/details', { token: HEAP_TOKEN })).toMatchObject({ status: 403 })
    expect(audit.entries).toEqual([])
  })

  it('changes a log level for a while, and back', async () => {
    const { ask, audit, levels } = await create()
    const set = await ask('PUT', 'log-levels', { body: { ...CHANGE, scope: 'task_id', name: 't-1', level: 'debug', minutes: 5 } })
    expect(JSON.parse(set.text)).toMatchObject({ level: 'info', rules: [{ scope: 'task_id', name: 't-1', level: 'debug' }] })
    expect(levels.allows('debug', { taskId: 't-1' })).toBe(true)
    expect(await ask('DELETE', 'log-levels', { body: { ...CHANGE, scope: 'task_id', name: 't-1' } })).toMatchObject({ status: 200 })
    expect(levels.allows('debug', { taskId: 't-1' })).toBe(false)
    expect(await ask('DELETE', 'log-levels', { body: { ...CHANGE, scope: 'task_id', name: 't-1' } })).toMatchObject({ status: 404 })
    expect(audit.entries).toEqual([
      { ...CHANGE, action: 'log_level.set', target: { scope: 'task_id', name: 't-1' }, after: { level: 'debug', minutes: 5 } },
      { ...CHANGE, action: 'log_level.clear', target: { scope: 'task_id', name: 't-1' } },
    ])
  })

  it('changes a log level also while it cannot be audited', async () => {
    const { ask, audit, levels } = await create()
    audit.failure = TaskError.unavailable('ledger_unavailable', 'away')
    expect(await ask('PUT', 'log-levels', { body: { ...CHANGE, scope: 'all', level: 'trace' } })).toMatchObject({ status: 200 })
    expect(levels.allows('trace', {})).toBe(true)
  })

  it.each([
    [{ scope: 'all', level: 'debug' }, 'actor'],
    [{ ...CHANGE, reason: ' ', scope: 'all', level: 'debug' }, 'reason must not be empty'],
    [{ ...CHANGE, scope: 'tenant', level: 'debug' }, 'scope: must be one of task_id'],
    [{ ...CHANGE, scope: 'all', name: 'x', level: 'debug' }, 'name: must be left out'],
    [{ ...CHANGE, scope: 'module', level: 'debug' }, 'name: must name the module'],
    [{ ...CHANGE, scope: 'all', level: 'loud' }, 'level: must be one of trace'],
    [{ ...CHANGE, scope: 'all', level: 'debug', minutes: 2_000 }, 'minutes: must be at most 1440'],
    [{ ...CHANGE, scope: 'all', level: 'debug', extra: 1 }, 'extra'],
  ])('refuses %o', async (body, problem) => {
    const { ask } = await create()
    const { status, text } = await ask('PUT', 'log-levels', { body })
    expect(status).toBe(400)
    expect(JSON.parse(text)).toMatchObject({ code: 'invalid_request', detail: expect.stringContaining(problem) as string })
  })

  it('takes a CPU profile, one at a time', async () => {
    const { ask, audit } = await create()
    const body = { ...CHANGE, seconds: 0.2 }
    const [one, other] = await Promise.all([ask('POST', 'profiles/cpu', { body }), ask('POST', 'profiles/cpu', { body })])
    expect(new Set([one.status, other.status])).toEqual(new Set([200, 409]))
    const { text } = one.status === 200 ? one : other
    expect(JSON.parse(text)).toHaveProperty('nodes')
    expect(audit.entries).toMatchObject([{ action: 'profile.cpu', after: { seconds: 0.2 } }])
    expect(await ask('POST', 'profiles/cpu', { body: { ...CHANGE, seconds: 600 } })).toMatchObject({ status: 400 })
  })

  it('takes a heap snapshot only when it is in the audit', async () => {
    const { ask, audit } = await create()
    audit.failure = TaskError.unavailable('ledger_unavailable', 'away')
    expect(await ask('POST', 'profiles/heap', { token: HEAP_TOKEN, body: CHANGE })).toMatchObject({ status: 503 })
    audit.failure = undefined
    const { status, text } = await ask('POST', 'profiles/heap', { token: HEAP_TOKEN, body: CHANGE })
    expect(status).toBe(200)
    expect(text.slice(0, 12)).toBe('{"snapshot":')
    expect(audit.entries).toMatchObject([{ ...CHANGE, action: 'profile.heap' }])
  })

  it('answers unknown paths without telling more', async () => {
    const { ask } = await create()
    expect(await ask('GET', 'etc')).toMatchObject({ status: 404, type: expect.stringContaining('application/problem+json') as string })
  })
})

describe('adminHttpSettings', () => {
  it('is off by default, and refuses a token that is too short', () => {
    expect(adminHttpSettings.parse({})).toEqual({ host: '127.0.0.1', port: undefined, token: undefined, heapToken: undefined })
    expect(adminHttpSettings.parse({ SLUICE_PROFILE: 'prod' }).host).toBe('0.0.0.0')
    expect(() => adminHttpSettings.parse({ ADMIN_TOKEN: 'short' })).toThrow('ADMIN_TOKEN: must have at least 16 characters')
  })
})
