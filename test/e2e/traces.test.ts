import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ServiceRig } from '#tools/rig'
import { startOwnSimulator, waitUntil } from '#tools/rig'
import { OtlpReceiver } from '../harness/otlp/otlp.receiver.js'
import { SPAN_KIND, type ReceivedSpan } from '../harness/otlp/received-span.js'
import { queuedOf, waitForResults } from './exchange.js'
import { INLINE_ANSWER_BYTES, makePrompt, openRig } from './open-rig.js'

const PRODUCER = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
const TRACEPARENT = `00-${PRODUCER.traceId}-${PRODUCER.spanId}-01`
const CANARY = 'canary-5f2b'

describe('Sluice, traced', { timeout: 60_000 }, () => {
  let rig: ServiceRig
  let receiver: OtlpReceiver
  let simulator: Awaited<ReturnType<typeof startOwnSimulator>>

  beforeAll(async () => {
    simulator = await startOwnSimulator()
  })
  afterAll(() => simulator?.stop())
  afterEach(async () => {
    await rig?.close()
    await receiver?.close()
  })

  const open = async (name: string, env: Readonly<Record<string, string>> = {}) => {
    receiver = await OtlpReceiver.start()
    rig = await openRig(
      name,
      { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '200', LEASE_DURATION_MS: '2000', ...env },
      { gigachat: simulator.gigachat },
    )
  }

  const sendTraced = (task: ReturnType<typeof makePrompt>, traceparent = TRACEPARENT) =>
    rig.producer.send([{ topic: rig.topics.names.tasks, partition: 0, value: task, headers: { traceparent } }])

  /** The spans of the trace, once those with these names have all come. */
  const waitForSpans = async (...names: readonly string[]): Promise<ReceivedSpan[]> => {
    const find = () => receiver.trace(PRODUCER.traceId)
    await receiver.waitFor(() => names.every((name) => find().some((span) => span.name === name)), `the spans ${names.join(', ')}`)
    return find()
  }

  it('gives one trace of a task that was deferred once and finished on another replica', async () => {
    await open('traced', { DEFERRAL_PROVIDER_ERROR_MS: '3000' })
    const first = await rig.startWorker()
    await rig.addFault({ kind: 'error', status: 500, count: 1, filter: { task: 'moved' } })
    await sendTraced(makePrompt('moved'))
    await waitUntil(async () => (await queuedOf(rig, 'moved'))?.reason, { what: 'the deferral' })
    await first.stop()
    await rig.startWorker()
    await waitForResults(rig, ['moved'])
    const { results } = rig.topics.names
    const spans = await waitForSpans(`send ${results}`, 'finish ledger')
    expect(receiver.problems).toEqual([])
    expectConnected(spans)
    const [intake] = named(spans, `process ${rig.topics.names.tasks}`)
    expect(intake).toMatchObject({ parentSpanId: PRODUCER.spanId, kind: SPAN_KIND.consumer, isError: false })
    const [refused, succeeded, ...others] = named(spans, 'run prompt')
    expect(others).toEqual([])
    expect([refused!.parentSpanId, succeeded!.parentSpanId]).toEqual([intake!.spanId, intake!.spanId])
    expect(refused!.attributes).toMatchObject({ 'sluice.task.id': 'moved', 'sluice.outcome': 'deferred', 'sluice.claim': 1 })
    expect(succeeded!.attributes).toMatchObject({ 'sluice.outcome': 'succeeded', 'sluice.claim': 2 })
    expect(succeeded!.links).toEqual([{ traceId: PRODUCER.traceId, spanId: refused!.spanId }])
    expect(succeeded!.resource['service.instance.id']).not.toBe(refused!.resource['service.instance.id'])
    // The waiting between them is a span as well, and says what was waited for.
    const waits = named(spans, 'wait')
    expect(waits.at(-1)!.attributes['sluice.wait.reason']).toBe('provider_error')
  })

  it('names calls, statements, objects and messages by the conventions, each below its dispatch', async () => {
    await open('named')
    await rig.bucket.put('inputs/note.txt', Buffer.from('a note'))
    await rig.startWorker()
    const task = makePrompt('whole', { files: [{ key: 'inputs/note.txt', name: 'note' }] })
    await sendTraced({ ...task, prompt: `${task.prompt} [[answer_bytes:${2 * INLINE_ANSWER_BYTES}]]` })
    await waitForResults(rig, ['whole'])
    const spans = await waitForSpans(`send ${rig.topics.names.results}`, 'finish ledger', 'run prompt', 'POST', 'S3/PutObject')
    expectConnected(spans)
    const [run] = named(spans, 'run prompt')
    const below = spans.filter(({ parentSpanId }) => parentSpanId === run!.spanId)
    expect(below.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['S3/GetObject', 'record_answer ledger', 'S3/PutObject', 'finish ledger']),
    )
    const chat = below.find(({ name }) => name.startsWith('chat '))!
    expect(chat).toMatchObject({
      kind: SPAN_KIND.client,
      attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'gigachat', 'gen_ai.usage.input_tokens': expect.any(Number) },
    })
    const [post] = named(spans, 'POST')
    expect(post).toMatchObject({
      parentSpanId: chat.spanId,
      attributes: { 'http.request.method': 'POST', 'http.response.status_code': 200, 'server.address': '127.0.0.1' },
    })
    expect(named(spans, 'S3/GetObject')[0]!.attributes).toMatchObject({ 'rpc.system': 'aws-api', 'aws.s3.key': 'inputs/note.txt' })
    expect(named(spans, 'finish ledger')[0]!.attributes).toMatchObject({ 'db.system.name': 'postgresql' })
    const [sent] = named(spans, `send ${rig.topics.names.results}`)
    expect(sent).toMatchObject({ kind: SPAN_KIND.producer, attributes: { 'messaging.system': 'kafka' } })
    // The consumer of the result goes on from the span that has sent it.
    const { events } = await rig.results()
    expect(events[0]!.headers.get('traceparent')).toBe(`00-${PRODUCER.traceId}-${sent!.spanId}-01`)
  })

  it('links the dispatch after a crash to the one that was broken off', async () => {
    await open('crashed')
    const victim = await rig.startWorker()
    await sendTraced(makePrompt('survivor', { latencyMs: 1_500 }))
    await waitUntil(async () => (await rig.calls()).length === 1, { what: 'the call' })
    const brokenOff = await rig.ledger.value<number>('SELECT claims FROM task_queue')
    await victim.kill()
    await rig.startWorker()
    await waitForResults(rig, ['survivor'])
    const spans = await waitForSpans('run prompt', 'finish ledger')
    const [run] = named(spans, 'run prompt')
    expect(run!.attributes['sluice.claim']).toBe(brokenOff + 1)
    expect(run!.links).toMatchObject([{ traceId: PRODUCER.traceId, spanId: expect.stringMatching(/^[0-9a-f]{16}$/) }])
  })

  it('keeps prompts and answers out of spans unless a setting asks for them', async () => {
    await open('private')
    const shy = await rig.startWorker()
    await sendTraced(makePrompt('shy', { metadata: { note: CANARY }, prompt: `[[task:shy]] ${CANARY}` }))
    await waitForResults(rig, ['shy'])
    await shy.stop()
    expect(receiver.spans.some(({ name }) => name.startsWith('chat '))).toBe(true)
    expect(receiver.bodies.some((body) => body.includes(CANARY))).toBe(false)
    await rig.startWorker({ OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true' })
    await sendTraced(makePrompt('open', { prompt: `[[task:open]] ${CANARY}` }))
    await waitForResults(rig, ['open'])
    await receiver.waitFor(() => receiver.bodies.some((body) => body.includes(CANARY)), 'the content')
    const call = receiver.spans.findLast(({ name }) => name.startsWith('chat '))!
    expect(call.attributes['gen_ai.input.messages']).toContain(CANARY)
  })

  it('records nothing of a trace that its producer has not sampled, and passes it on', async () => {
    await open('unsampled')
    const worker = await rig.startWorker()
    await sendTraced(makePrompt('quiet'), TRACEPARENT.replace(/01$/, '00'))
    await waitForResults(rig, ['quiet'])
    await worker.stop()
    expect(receiver.spans.filter(({ traceId }) => traceId === PRODUCER.traceId)).toEqual([])
    const { events } = await rig.results()
    expect(events[0]!.headers.get('traceparent')).toMatch(new RegExp(`^00-${PRODUCER.traceId}-[0-9a-f]{16}-00$`))
  })

  it('goes on as before while the trace store is away', async () => {
    await open('storeless')
    await receiver.close()
    const worker = await rig.startWorker()
    await sendTraced(makePrompt('anyway'))
    const [result] = await waitForResults(rig, ['anyway'])
    expect(result).toMatchObject({ outcome: 'succeeded' })
    await waitUntil(async () => (await readMetrics(worker)).includes('sluice_spans_exported_total{result="refused"}'), {
      what: 'lost spans to be counted',
    })
    receiver = await OtlpReceiver.start()
  })
})

async function readMetrics({ url }: { readonly url: string }): Promise<string> {
  return (await fetch(`${url}/metrics`)).text()
}

function named(spans: readonly ReceivedSpan[], name: string): ReceivedSpan[] {
  return spans.filter((span) => span.name === name)
}

/** Every span hangs below another one of its trace, but for what hangs below the producer's. */
function expectConnected(spans: readonly ReceivedSpan[]): void {
  const ids = new Set([PRODUCER.spanId, ...spans.map(({ spanId }) => spanId)])
  expect(spans.filter(({ parentSpanId }) => !ids.has(parentSpanId)).map(({ name }) => name)).toEqual([])
}
