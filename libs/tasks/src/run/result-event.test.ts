import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { makeDeadLetterEventId, makeResultEventId } from '#libs/contracts'
import { TaskError } from '#libs/kernel'
import { makeClaimedTask } from '../../../../test/factories/claimed-task.factory.js'
import { makeDeadLetter, makeFingerprint, makeResultEvent, type EndedRun } from './result-event.js'

const ACCEPTED = Date.UTC(2026, 0, 2, 3, 4, 0)
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 }
const task = makeClaimedTask({ taskId: 'a', run: 2, acceptedAtMs: ACCEPTED, key: Buffer.from('k') })

function makeRun(fields: Partial<EndedRun> = {}): EndedRun {
  return {
    eventId: makeResultEventId('default', 'a', 2),
    task,
    outcome: 'succeeded',
    facts: {},
    attempts: 3,
    traceparent: null,
    claimedAtMs: ACCEPTED + 1_500.4,
    finishedAtMs: ACCEPTED + 4_000,
    ...fields,
  }
}

const readResult = (run: EndedRun, keySequence?: number): unknown => JSON.parse(makeResultEvent(run, keySequence).toString())

function readDeadLetter(fields: Partial<EndedRun> & { error: TaskError }): unknown {
  return JSON.parse(makeDeadLetter({ ...makeRun({ outcome: 'failed' }), ...fields }).value.toString())
}

const fingerprint = (message: string, code: TaskError['code'] = 'llm_bad_request', type = 'prompt') =>
  makeFingerprint(TaskError.invalid(code, message), type)

describe(makeResultEvent.name, () => {
  it('says everything that is known of a run', () => {
    const run = makeRun({
      task: { ...task, correlationId: 'c-1', settingsVersion: 4 },
      output: { text: '{"n":1}', json: { n: 1 } },
      traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01`,
      facts: {
        answer: { model: 'GigaChat-2:1', finishReason: 'stop', usage, llmMs: 12.6 },
        promptVersion: 'summary@2',
        metadata: { order: 1 },
      },
    })
    expect(readResult(run, 7)).toEqual({
      event_id: makeResultEventId('default', 'a', 2),
      tenant: 'default',
      task_id: 'a',
      run: 2,
      type: 'prompt',
      outcome: 'succeeded',
      output: { text: '{"n":1}', json: { n: 1 } },
      model: 'GigaChat-2:1',
      finish_reason: 'stop',
      usage,
      attempts: 3,
      versions: { settings: 4, prompt: 'summary@2' },
      timings: {
        accepted_at: '2026-01-02T03:04:00.000Z',
        finished_at: '2026-01-02T03:04:04.000Z',
        waiting_ms: 1_500,
        llm_ms: 13,
        total_ms: 4_000,
      },
      trace_id: TRACE_ID,
      correlation_id: 'c-1',
      metadata: { order: 1 },
      key_sequence: 7,
    })
  })

  it('leaves out what is not known', () => {
    const run = makeRun({ outcome: 'expired', error: TaskError.invalid('deadline_exceeded', 'late') })
    expect(readResult(run)).toEqual({
      event_id: makeResultEventId('default', 'a', 2),
      tenant: 'default',
      task_id: 'a',
      run: 2,
      type: 'prompt',
      outcome: 'expired',
      attempts: 3,
      error: { code: 'deadline_exceeded', message: 'late', retryable: false },
      versions: { settings: 1 },
      timings: expect.not.objectContaining({ llm_ms: expect.anything() }),
    })
  })

  it('refers to an answer that lies in storage, and keeps an empty text', () => {
    const outputRef = { bucket: 'b', key: 'k', sha256: 'f', size: 9 }
    expect(readResult(makeRun({ output: { outputRef } }))).toMatchObject({ output_ref: outputRef })
    expect(readResult(makeRun({ output: { outputRef } }))).not.toHaveProperty('output')
    expect(readResult(makeRun({ output: {} }))).toMatchObject({ output: { text: '' } })
  })

  it('never says a time below zero when the clocks of two machines differ', () => {
    const run = makeRun({ claimedAtMs: ACCEPTED - 5_000, finishedAtMs: ACCEPTED - 10 })
    expect(readResult(run)).toMatchObject({ timings: { waiting_ms: 0, total_ms: 0 } })
  })

  it('leaves the metadata out, and nothing else, when they would make it too large for its topic', () => {
    const metadata = { note: 'x'.repeat(1_048_576) }
    const output = { text: 'an answer' }
    const known = readResult(makeRun({ output }))
    expect(makeResultEvent(makeRun({ output, facts: { metadata } }), undefined).length).toBeLessThan(1_000)
    expect(readResult(makeRun({ output, facts: { metadata } }))).toEqual(known)
  })

  it('has no trace id when the trace header is hostile, and no usage when the provider sent none', () => {
    const facts = { answer: { model: 'm', finishReason: 'stop', usage: undefined, llmMs: 1 } }
    const event = readResult(makeRun({ traceparent: '<script>', facts }))
    expect(event).not.toHaveProperty('trace_id')
    expect(event).not.toHaveProperty('usage')
  })
})

describe(makeDeadLetter.name, () => {
  it('says where the task came from, why it failed and what it was', () => {
    const cause = new Error('reset')
    const error = new TaskError('llm_server_error', 'the provider failed', { retryable: true, cause })
    const run = { task: { ...task, source: { topic: 't', partition: 3, offset: 2n ** 60n } }, error }
    expect(readDeadLetter(run)).toEqual({
      event_id: makeDeadLetterEventId('default', 'a', 2),
      kind: 'failed',
      source: { topic: 't', partition: 3, offset: '1152921504606846976', key: Buffer.from('k').toString('base64') },
      tenant: 'default',
      task_id: 'a',
      run: 2,
      error: {
        code: 'llm_server_error',
        message: 'the provider failed',
        fingerprint: makeFingerprint(error, 'prompt'),
        causes: ['Error: reset'],
      },
      attempts: 3,
      original: Buffer.from(task.payload).toString('base64'),
      at: '2026-01-02T03:04:04.000Z',
    })
  })

  it('has the id of its event beside the event', () => {
    const { eventId } = makeDeadLetter({ ...makeRun(), error: TaskError.invalid('internal', 'x') })
    expect(eventId).toBe(makeDeadLetterEventId('default', 'a', 2))
  })

  it('leaves out a key that is not there', () => {
    const letter = readDeadLetter({ task: { ...task, key: null }, error: TaskError.invalid('internal', 'x') })
    expect(letter).not.toHaveProperty('source.key')
  })

  it.each([
    ['keeps an original of 512 KiB', 'x'.repeat(524_288), true],
    ['leaves a larger original out', 'x'.repeat(524_289), false],
    ['leaves an original out that is larger in bytes only: it once did not fit a Kafka record', 'я'.repeat(262_145), false],
  ])('%s', (_, payload, kept) => {
    const letter = readDeadLetter({ task: { ...task, payload }, error: TaskError.invalid('internal', 'x') })
    expect(Object.keys(letter as object).filter((name) => name.startsWith('original'))).toEqual([kept ? 'original' : 'original_ref'])
  })

  it('says where a large original lies: it once had neither', () => {
    const payload = 'я'.repeat(262_145)
    expect(readDeadLetter({ task: { ...task, payload }, error: TaskError.invalid('internal', 'x') })).toMatchObject({
      original_ref: {
        store: 'ledger',
        table: 'task',
        accepted_on: task.acceptedOn,
        id: task.id,
        sha256: createHash('sha256').update(payload).digest('hex'),
        size: 524_290,
      },
    })
  })
})

describe(makeFingerprint.name, () => {
  it('is the same for errors that differ only in numbers, ids and quoted values', () => {
    expect(fingerprint('"a" took 15 ms in 0b0f7e4a-1111-4222-8333-0123456789ab')).toBe(
      fingerprint('"other" took 9000 ms in ffffffff-eeee-4ddd-accc-bbbbbbbbbbbb'),
    )
    expect(fingerprint('x')).toMatch(/^[0-9a-f]{16}$/)
  })

  it('differs by type, code and text', () => {
    const all = [fingerprint('x'), fingerprint('y'), fingerprint('x', 'llm_forbidden'), fingerprint('x', 'llm_bad_request', 'summary')]
    expect(new Set(all).size).toBe(4)
  })
})
