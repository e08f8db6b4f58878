import { Injectable, Module } from '@nestjs/common'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { Test } from '@nestjs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { HealthContributor, HealthModule, HealthRegistry, httpSettings, Lifecycle, type HealthReport } from '#libs/health'

const state = { s3: { status: 'up' } as HealthReport, kafka: { status: 'up' } as HealthReport }

@Injectable()
class StorageHealth extends HealthContributor {
  readonly name = 's3'
  readonly critical = false

  constructor(registry: HealthRegistry) {
    super()
    registry.register(this)
  }

  check = async (): Promise<HealthReport> => state.s3
}

@Injectable()
class QueueHealth extends HealthContributor {
  readonly name = 'kafka'
  readonly critical = true

  constructor(registry: HealthRegistry) {
    super()
    registry.register(this)
  }

  /** Stops by its signal, as a real check does. */
  check = (signal: AbortSignal): Promise<HealthReport> => {
    if (state.kafka.status !== 'down') return Promise.resolve(state.kafka)
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('brokers kafka:9092 do not answer'))))
  }
}

@Module({ providers: [StorageHealth, QueueHealth] })
class AdaptersModule {}

async function createApp(reports: Partial<typeof state> = {}): Promise<NestFastifyApplication> {
  Object.assign(state, { s3: { status: 'up' }, kafka: { status: 'up' } }, reports)
  const module = await Test.createTestingModule({ imports: [HealthModule, AdaptersModule] }).compile()
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false })
  await app.listen(0, '127.0.0.1')
  onTestFinished(() => app.close())
  return app
}

async function probe(app: NestFastifyApplication, name: string): Promise<{ status: number; body: unknown; caching: string | null }> {
  const response = await fetch(`${await app.getUrl()}/health/${name}`)
  return { status: response.status, body: await response.json(), caching: response.headers.get('cache-control') }
}

describe(HealthModule.name, () => {
  it('is ready when everything is up', async () => {
    const app = await createApp({ s3: { status: 'up', details: { bucket: 'sluice' } } })
    const { status, body, caching } = await probe(app, 'ready')
    expect(status).toBe(200)
    expect(caching).toContain('no-store')
    expect(body).toMatchObject({
      status: 'ok',
      details: {
        lifecycle: { status: 'up', phase: 'running' },
        s3: { status: 'up', critical: false, bucket: 'sluice' },
        kafka: { status: 'up' },
      },
    })
  })

  it('is not ready and names what is down while a critical dependency hangs', async () => {
    const app = await createApp({ kafka: { status: 'down' } })
    const { status, body } = await probe(app, 'ready')
    expect(status).toBe(503)
    expect(body).toMatchObject({
      status: 'error',
      error: { kafka: { status: 'down', error: ['Error: brokers kafka:9092 do not answer'] } },
      info: { s3: { status: 'up' } },
    })
    expect(await probe(app, 'live')).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await probe(app, 'startup')).toMatchObject({ status: 200 })
  })

  it('stays ready, degraded, while something that is not critical is down', async () => {
    const app = await createApp({ s3: { status: 'down', details: { error: 'away' } } })
    expect(await probe(app, 'ready')).toMatchObject({
      status: 200,
      body: { status: 'degraded', details: { s3: { status: 'degraded', error: 'away' } } },
    })
  })

  it('is not ready while it drains, and still live', async () => {
    const app = await createApp()
    const lifecycle = app.get(Lifecycle)
    lifecycle.drain('SIGTERM')
    lifecycle.drain('a second one')
    expect(lifecycle.drainSignal.aborted).toBe(true)
    expect(await probe(app, 'ready')).toMatchObject({
      status: 503,
      body: { error: { lifecycle: { status: 'down', phase: 'draining', reason: 'SIGTERM' } } },
    })
    expect(await probe(app, 'live')).toMatchObject({ status: 200 })
    expect(await probe(app, 'startup')).toMatchObject({ status: 200 })
  })
})

describe(Lifecycle.name, () => {
  it('goes from starting to running to draining and never back', () => {
    const lifecycle = new Lifecycle()
    expect(lifecycle.phase).toBe('starting')
    lifecycle.onApplicationBootstrap()
    expect(lifecycle.phase).toBe('running')
    lifecycle.onModuleDestroy()
    lifecycle.onApplicationBootstrap()
    expect([lifecycle.phase, lifecycle.drainReason]).toEqual(['draining', 'shutdown'])
  })
})

describe('startup', () => {
  it('is 503 until all modules are up', async () => {
    const app = await createApp()
    Object.defineProperty(app.get(Lifecycle), 'running', { value: false })
    expect(await probe(app, 'startup')).toMatchObject({ status: 503, body: { error: { lifecycle: { phase: 'starting' } } } })
  })
})

describe('httpSettings', () => {
  it('listens to this machine only in the dev profile, unless told otherwise', () => {
    expect(httpSettings.parse({})).toEqual({ host: '127.0.0.1', port: 8080 })
    expect(httpSettings.parse({ SLUICE_PROFILE: 'prod', HTTP_PORT: '9000' })).toEqual({ host: '0.0.0.0', port: 9000 })
    expect(httpSettings.parse({ HTTP_HOST: '::' })).toEqual({ host: '::', port: 8080 })
    expect(() => httpSettings.parse({ HTTP_PORT: '70000' })).toThrow('HTTP_PORT: must be a whole number from 0 to 65535')
  })
})
