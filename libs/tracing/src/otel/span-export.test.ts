import { setTimeout as delay } from 'node:timers/promises'
import { context, SpanKind } from '@opentelemetry/api'
import { InMemorySpanExporter, type SpanExporter } from '@opentelemetry/sdk-trace'
import { describe, expect, it, onTestFinished } from 'vitest'
import { TaskContext, TaskError, type TaskContextOptions } from '#libs/kernel'
import { inSpan, openSpan, runBelow } from '../in-span.js'
import { TraceIds } from '../trace-ids.js'
import { tracingSettings } from '../tracing.settings.js'
import { makeClaimedTask } from '../../../../test/factories/claimed-task.factory.js'
import { makeDelivery } from '../../../../test/factories/delivery.factory.js'
import { SpanExport } from './span-export.js'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const PARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`

function create(env: Record<string, string> = {}, exporter: SpanExporter = new InMemorySpanExporter()) {
  const settings = tracingSettings.parse({ OTEL_TRACES_EXPORTER: 'otlp', OTEL_BSP_SCHEDULE_DELAY: '10', ...env })
  const told: (number | Error)[] = []
  const spans = new SpanExport({
    settings: { ...settings, export: settings.export! },
    version: '1.2.3',
    ids: new TraceIds(),
    exporter,
    onExported: (count, error) => told.push(error ?? count),
  })
  onTestFinished(() => spans.close(1_000))
  return { spans, tracer: spans.tracer, told }
}

function createInMemory(env: Record<string, string> = {}) {
  const exporter = new InMemorySpanExporter()
  const created = create(env, exporter)
  const read = async () => {
    await created.spans.flush()
    return exporter.getFinishedSpans()
  }
  return { ...created, read }
}

function makeDispatch(claim: number, task: Partial<Parameters<typeof makeClaimedTask>[0]> = {}) {
  return new TaskContext(makeClaimedTask({ id: 7, claim, attempt: null, ...task }), {} as TaskContextOptions)
}

describe(SpanExport.name, () => {
  it('hangs a delivery below its producer and a dispatch below the delivery, with how it ended', async () => {
    const { tracer, read } = createInMemory()
    const delivery = tracer.startDelivery(PARENT, makeDelivery({ topic: 'llm.tasks' }))
    delivery.end({ ok: true })
    const dispatch = tracer.startDispatch(delivery.traceparent, makeDispatch(1))
    dispatch.end({ ok: true, value: { outcome: 'deferred', reason: 'llm_rate_limited', delayMs: 5 } })
    const [intake, wait, run] = await read()
    expect(intake).toMatchObject({ name: 'process llm.tasks', kind: SpanKind.CONSUMER, parentSpanContext: { spanId: 'b7ad6b7169203331' } })
    expect(wait).toMatchObject({ name: 'wait', parentSpanContext: { spanId: intake!.spanContext().spanId } })
    expect(run).toMatchObject({ parentSpanContext: { spanId: intake!.spanContext().spanId }, links: [] })
    expect(run!.attributes['sluice.outcome']).toBe('deferred')
    expect(run!.events[0]).toMatchObject({
      name: 'deferred',
      attributes: { 'sluice.wait.reason': 'llm_rate_limited', 'sluice.delay_ms': 5 },
    })
    expect(dispatch.traceparent).toBe(`00-${TRACE_ID}-${run!.spanContext().spanId}-01`)
  })

  it('links a dispatch to the one of the claim before it, which another process has started', async () => {
    const { tracer, read } = createInMemory()
    tracer.startDispatch(PARENT, makeDispatch(1)).end({ ok: true })
    tracer.startDispatch(PARENT, makeDispatch(2)).end({ ok: true })
    const [first, second] = (await read()).filter(({ name }) => name.startsWith('run '))
    expect(second!.links).toMatchObject([{ context: { traceId: TRACE_ID, spanId: first!.spanContext().spanId } }])
    expect(second!.spanContext().spanId).not.toBe(first!.spanContext().spanId)
  })

  it('marks failures by their code alone', async () => {
    const { tracer, read } = createInMemory()
    tracer.startDispatch(PARENT, makeDispatch(1)).end({ ok: false, error: TaskError.invalid('invalid_message', 'it quotes a prompt') })
    tracer.startDispatch(PARENT, makeDispatch(2)).end({ ok: true, value: { outcome: 'failed', code: 'output_invalid' } })
    const runs = (await read()).filter(({ name }) => name.startsWith('run '))
    expect(runs.map(({ status, attributes }) => [status.message, attributes['error.type']])).toEqual([
      ['invalid_message', 'invalid_message'],
      ['output_invalid', 'output_invalid'],
    ])
  })

  it('records nothing of a trace that is not sampled, and passes it on', async () => {
    const { tracer, read } = createInMemory()
    const span = tracer.startDispatch(PARENT.replace(/01$/, '00'), makeDispatch(1))
    await span.run(() =>
      inSpan(
        () => expect.fail('nobody records this'),
        () => Promise.resolve(1),
      ),
    )
    span.end({ ok: true })
    expect(span.traceparent).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-00$`))
    await expect(read()).resolves.toEqual([])
  })

  it.each([
    ['always_off', 0],
    ['always_on', 1],
    ['traceidratio', 1],
    ['parentbased_always_off', 0],
    ['parentbased_always_on', 1],
    ['parentbased_traceidratio', 1],
  ])('samples what has no producer by %s', async (sampler, recorded) => {
    const { tracer, read } = createInMemory({ OTEL_TRACES_SAMPLER: sampler })
    tracer.startDelivery(null, makeDelivery()).end({ ok: true })
    await expect(read()).resolves.toHaveLength(recorded)
  })

  it('tells what became of each batch, and closes while the store does not answer', async () => {
    const silent = { export: () => undefined, shutdown: () => new Promise<void>(() => undefined), forceFlush: () => Promise.resolve() }
    const refusing = {
      ...silent,
      export: (_: unknown, done: (result: { code: number; error: Error }) => void) => done({ code: 1, error: new Error('no') }),
    }
    const { tracer, told } = create({}, refusing)
    tracer.startDelivery(PARENT, makeDelivery()).end({ ok: true })
    await expect.poll(() => told).toEqual([new Error('no')])
    const { spans } = create({}, silent)
    spans.tracer.startDelivery(PARENT, makeDelivery()).end({ ok: true })
    const closed = spans.close(20)
    await expect(Promise.race([closed.then(() => 'closed'), delay(2_000, 'late')])).resolves.toBe('closed')
  })
})

describe(inSpan.name, () => {
  it('does its work inside of the span, and ends it with the code of what was thrown', async () => {
    const { read } = createInMemory()
    const failing = runBelow(PARENT, () =>
      inSpan(
        () => ({ name: 'outer' }),
        () =>
          inSpan(
            () => ({ name: 'inner' }),
            () => Promise.reject(TaskError.unavailable('ledger_unavailable', 'away')),
          ),
      ),
    )
    await expect(failing).rejects.toThrow('away')
    const [inner, outer] = await read()
    expect(inner).toMatchObject({
      name: 'inner',
      status: { message: 'ledger_unavailable' },
      parentSpanContext: { spanId: outer!.spanContext().spanId },
    })
    expect(outer).toMatchObject({ parentSpanContext: { spanId: 'b7ad6b7169203331' } })
  })

  it('only does its work outside of any trace', async () => {
    const { read } = createInMemory()
    await expect(
      inSpan(
        () => expect.fail('nobody records this'),
        () => Promise.resolve(7),
      ),
    ).resolves.toBe(7)
    expect(openSpan({ name: 'x' }, context.active())).toBeUndefined()
    await expect(read()).resolves.toEqual([])
  })
})
