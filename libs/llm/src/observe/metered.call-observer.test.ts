import { context, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { Test } from '@nestjs/testing'
import { register } from 'prom-client'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { TaskError, type CallReport } from '#libs/kernel'
import { makeAnswer } from '../../../../test/factories/answer.factory.js'
import { makeClaimedTask } from '../../../../test/factories/claimed-task.factory.js'
import { LlmMeter } from './llm.meter.js'
import { llmMetrics } from './llm.metrics.js'
import { LlmSpans } from './llm.spans.js'
import { MeteredCallObserver } from './metered.call-observer.js'

const SAMPLED = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: TraceFlags.SAMPLED }
const USAGE = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12, precached_prompt_tokens: 1 }

function makeReport(fields: Partial<CallReport> = {}): CallReport {
  return {
    task: makeClaimedTask({ id: 7 }),
    attempt: { id: '00000000-0000-4000-8000-000000000007', number: 1 },
    params: { max_tokens: 256, temperature: 0.5 },
    messages: [{ role: 'user', content: 'a secret question' }],
    stream: true,
    traceparent: `00-${SAMPLED.traceId}-${SAMPLED.spanId}-01`,
    startedAtMs: 1_000,
    endedAtMs: 3_000,
    result: { kind: 'answered', answer: makeAnswer('a secret answer', { firstByteMs: 250 }) },
    answer: { text: 'a secret answer', usage: USAGE, finishReason: 'stop', model: 'GigaChat-2:2.0' },
    cost: 0.25,
    ...fields,
  }
}

async function create({ capturesContent = false } = {}) {
  const module = await Test.createTestingModule({ providers: [...llmMetrics, LlmMeter] }).compile()
  const exporter = new InMemorySpanExporter()
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }))
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  onTestFinished(() => {
    trace.disable()
    context.disable()
  })
  const origins = new Map([['gigachat', new URL('https://api.example/v1')]])
  const observer = new MeteredCallObserver(module.get(LlmMeter), new LlmSpans({ origins, capturesContent }))
  const observe = (report: CallReport) => context.with(trace.setSpanContext(ROOT_CONTEXT, SAMPLED), () => observer.observe(report))
  return { observer, observe, spans: () => exporter.getFinishedSpans(), metrics: () => register.metrics() }
}

beforeEach(() => register.clear())

describe(MeteredCallObserver.name, () => {
  it('counts an answer with its times, tokens and money', async () => {
    const { observe, metrics } = await create()
    observe(makeReport())
    const text = await metrics()
    expect(text).toContain('sluice_llm_calls_total{provider="gigachat",model="GigaChat-2",result="answered",code="none"} 1')
    expect(text).toMatch(/sluice_llm_call_duration_seconds_bucket\{le="2.5",.*\} 1 # \{trace_id="0af7651916cd43dd8448eb211c80319c"\} 2 /)
    expect(text).toContain('sluice_llm_time_to_first_token_seconds_sum{provider="gigachat",model="GigaChat-2"} 0.25')
    for (const [kind, count] of Object.entries({ input: 5, output: 7, cached: 1 }))
      expect(text).toContain(`sluice_llm_tokens_total{provider="gigachat",model="GigaChat-2",kind="${kind}"} ${count}`)
    expect(text).toContain('sluice_llm_cost_total{provider="gigachat",model="GigaChat-2"} 0.25')
    expect(text).not.toContain('sluice_llm_repeated_calls_total{')
  })

  it('counts what was not answered by its code, and a further attempt as a repeated call', async () => {
    const { observe, metrics } = await create()
    const error = TaskError.unavailable('llm_timeout', 'it took too long')
    const { answer: _, cost: __, ...report } = makeReport({ result: { kind: 'maybe_paid', error } })
    observe({ ...report, attempt: { ...report.attempt, number: 2 } })
    const text = await metrics()
    expect(text).toContain('result="maybe_paid",code="llm_timeout"} 1')
    expect(text).toContain('sluice_llm_repeated_calls_total{provider="gigachat",model="GigaChat-2"} 1')
    expect(text).not.toContain('sluice_llm_cost_total{')
  })

  it('lets models above a hundred share one label', async () => {
    const { observer, metrics } = await create()
    for (let index = 0; index < 105; index++) observer.observe(makeReport({ task: makeClaimedTask({ model: `model-${index}` }) }))
    expect(await metrics()).toContain('sluice_llm_calls_total{provider="gigachat",model="other",result="answered",code="none"} 5')
  })

  it('records the call by the conventions, and the request below it', async () => {
    const { observe, spans } = await create()
    observe(makeReport())
    const [chat, post] = spans()
    expect(chat).toMatchObject({
      name: 'chat GigaChat-2',
      startTime: [1, 0],
      endTime: [3, 0],
      parentSpanContext: { spanId: SAMPLED.spanId },
    })
    expect(chat!.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'gigachat',
      'gen_ai.request.model': 'GigaChat-2',
      'gen_ai.request.max_tokens': 256,
      'gen_ai.response.model': 'GigaChat-2:2.0',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.response.time_to_first_chunk': 0.25,
      'gen_ai.usage.input_tokens': 5,
      'gen_ai.usage.output_tokens': 7,
      'server.address': 'api.example',
      'server.port': 443,
    })
    expect(post).toMatchObject({
      name: 'POST',
      attributes: { 'http.response.status_code': 200 },
      parentSpanContext: { spanId: chat!.spanContext().spanId },
    })
    expect(JSON.stringify(spans().map(({ attributes }) => attributes))).not.toContain('secret')
  })

  it('records content only where a setting asks for it', async () => {
    const { observe, spans } = await create({ capturesContent: true })
    observe(makeReport())
    const attributes = spans()[0]!.attributes as Record<string, string>
    expect(JSON.parse(attributes['gen_ai.input.messages']!)).toEqual([
      { role: 'user', parts: [{ type: 'text', content: 'a secret question' }] },
    ])
    expect(attributes['gen_ai.output.messages']).toContain('a secret answer')
  })

  it('records no request where nothing was sent, and marks the error by its code', async () => {
    const { observe, spans } = await create()
    const { answer: _, ...report } = makeReport({
      result: { kind: 'not_sent', error: TaskError.unavailable('llm_unreachable', 'no connection') },
    })
    observe(report)
    expect(spans().map(({ name, status }) => [name, status.message])).toEqual([['chat GigaChat-2', 'llm_unreachable']])
  })

  it('records nothing outside of a trace', async () => {
    const { observer, spans } = await create()
    observer.observe(makeReport())
    expect(spans()).toEqual([])
  })

  it('logs a defect of its own and throws nothing', async () => {
    const { observer } = await create()
    expect(() => observer.observe({} as CallReport)).not.toThrow()
  })
})
