import { Controller, Inject, Module, UseInterceptors, type CallHandler, type ExecutionContext, type ModuleMetadata } from '@nestjs/common'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { Test } from '@nestjs/testing'
import { getToken } from '@willsoto/nestjs-prometheus'
import { register, type Histogram } from 'prom-client'
import { lastValueFrom, of, throwError, type Observable } from 'rxjs'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { TaskError, type PipelineContext } from '#libs/kernel'
import { HistogramFamily, makeExemplarHistogramProvider, MetricsInterceptor, MetricsModule, PipelineMeter } from '#libs/metrics'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const IDENTITY = { service: 'sluice', version: '1.2.3' }

function makeExecution(subject: PipelineContext['subject'], transport: PipelineContext['transport'] = 'ledger'): ExecutionContext {
  return { switchToRpc: () => ({ getContext: () => ({ transport, subject }) }) } as unknown as ExecutionContext
}

async function createApp(metadata: ModuleMetadata = {}): Promise<NestFastifyApplication> {
  const module = await Test.createTestingModule({ imports: [MetricsModule.forRoot(IDENTITY)], ...metadata }).compile()
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false })
  await app.listen(0, '127.0.0.1')
  onTestFinished(() => app.close())
  return app
}

async function scrape(app: NestFastifyApplication, accept = 'text/plain'): Promise<{ text: string; contentType: string | null }> {
  const response = await fetch(`${await app.getUrl()}/metrics`, { headers: { accept } })
  return { text: await response.text(), contentType: response.headers.get('content-type') }
}

function run(
  app: NestFastifyApplication,
  handle: () => Observable<unknown>,
  execution = makeExecution({ type: 'prompt' }),
): Promise<unknown> {
  return lastValueFrom(app.get(MetricsInterceptor).intercept(execution, { handle } satisfies CallHandler))
}

beforeEach(() => register.clear())

describe(MetricsModule.name, () => {
  it('serves the metrics of the process and the build in the format that Prometheus asks for', async () => {
    const { text, contentType } = await scrape(await createApp())
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m)
    expect(text).toContain(`sluice_build_info{service="sluice",version="1.2.3",node_version="${process.version}"} 1`)
  })
})

describe(makeExemplarHistogramProvider.name, () => {
  it('names a trace that is recorded to those who read OpenMetrics, and to nobody else', async () => {
    const histogram = makeExemplarHistogramProvider({ name: 'sluice_test_seconds', help: 'A test.', labelNames: ['kind'], buckets: [1] })
    const app = await createApp({ providers: [histogram] })
    const family = new HistogramFamily(app.get<Histogram<'kind'>>(getToken('sluice_test_seconds')), ['kind'])
    family.of('a').observeTraced(0.5, `00-${TRACE_ID}-b7ad6b7169203331-01`)
    family.of('b').observeTraced(0.5, `00-${TRACE_ID}-b7ad6b7169203331-00`)
    const openMetrics = await scrape(app, 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5')
    expect(openMetrics.contentType).toContain('application/openmetrics-text')
    expect(openMetrics.text).toContain(`sluice_test_seconds_bucket{le="1",kind="a"} 1 # {trace_id="${TRACE_ID}"} 0.5`)
    expect(openMetrics.text).toMatch(/^sluice_test_seconds_bucket\{le="1",kind="b"\} 1$/m)
    expect(openMetrics.text.endsWith('# EOF\n')).toBe(true)
    const plain = await scrape(app)
    expect(plain.contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(plain.text).toMatch(/^sluice_test_seconds_bucket\{le="1",kind="a"\} 1$/m)
    expect(plain.text).toContain('# TYPE process_cpu_seconds_total counter')
  })
})

describe(MetricsInterceptor.name, () => {
  it('counts a dispatch by transport, task type and outcome, and passes its value on', async () => {
    const app = await createApp()
    await expect(run(app, () => of('done'))).resolves.toBe('done')
    await run(app, () => of([1, 2]), makeExecution({ topic: 'llm.tasks' }, 'kafka'))
    const { text } = await scrape(app)
    expect(text).toContain('sluice_pipeline_duration_seconds_count{transport="ledger",type="prompt",outcome="succeeded"} 1')
    expect(text).toContain('sluice_pipeline_duration_seconds_count{transport="kafka",type="none",outcome="succeeded"} 1')
  })

  it('counts an outcome value by what it says', async () => {
    const app = await createApp()
    const deferred = { outcome: 'deferred', code: 'llm_rate_limited' }
    await expect(run(app, () => of(deferred))).resolves.toBe(deferred)
    await run(app, () => of({ outcome: 'gone' }))
    await run(app, () => of({ outcome: 'failed', code: 'a code that is on no list' }))
    await run(app, () => of({ outcome: 'an outcome that is on no list' }))
    const { text } = await scrape(app)
    expect(text).toContain('outcome="deferred"} 1')
    expect(text).toContain('sluice_pipeline_errors_total{transport="ledger",type="prompt",code="llm_rate_limited"} 1')
    expect(text).toContain('outcome="gone"} 1')
    expect(text).toContain('outcome="failed"} 1')
    expect(text).toContain('outcome="succeeded"} 1')
    expect(text).not.toContain('on no list')
  })

  it('counts an error by its code and passes it on', async () => {
    const app = await createApp()
    const error = TaskError.unavailable('storage_unavailable', 'away')
    for (const thrown of [error, error]) await expect(run(app, () => throwError(() => thrown))).rejects.toBe(error)
    await expect(run(app, () => throwError(() => new TypeError('a defect')))).rejects.toThrow('a defect')
    const { text } = await scrape(app)
    expect(text).toContain('outcome="error"} 3')
    expect(text).toContain('code="storage_unavailable"} 2')
    expect(text).toContain('code="internal"} 1')
  })

  it('gives task types above a bound one label', async () => {
    const app = await createApp()
    for (let type = 0; type < 103; type++) await run(app, () => of(1), makeExecution({ type: `type-${type}` }))
    const { text } = await scrape(app)
    expect(text).toContain('type="type-99"')
    expect(text).not.toContain('type="type-100"')
    expect(text).toContain('sluice_pipeline_duration_seconds_count{transport="ledger",type="other",outcome="succeeded"} 3')
  })
})

describe(PipelineMeter.name, () => {
  it('can be used on handlers by Nest', async () => {
    @Controller()
    @UseInterceptors(MetricsInterceptor)
    class Handlers {
      constructor(@Inject(PipelineMeter) readonly meter: PipelineMeter) {}
    }
    @Module({ controllers: [Handlers] })
    class TasksModule {}
    const module = await Test.createTestingModule({ imports: [MetricsModule.forRoot(IDENTITY), TasksModule] }).compile()
    expect(module.get(Handlers).meter).toBeInstanceOf(PipelineMeter)
  })
})
