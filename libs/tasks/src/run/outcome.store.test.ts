import { Logger } from '@nestjs/common'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { makeResultEventId } from '#libs/contracts'
import { TaskError, type AttemptEnd, type ClaimedTask } from '#libs/kernel'
import { makeClaimedTask } from '../../../../test/factories/claimed-task.factory.js'
import { makeOutboxMessage } from '../../../../test/factories/outbox-message.factory.js'
import { makeTaskContext } from '../../../../test/factories/task-context.factory.js'
import { FakeLedger } from '../../../../test/fakes/fake-ledger.js'
import { FakeResultPublisher } from '../../../../test/fakes/fake-result.publisher.js'
import { FakeClock } from '../../../../test/fakes/fake.clock.js'
import { MessageParser } from '../intake/message-parser.js'
import { OutboxRelay } from '../outbox/outbox.relay.js'
import { makeFailure, type Verdict } from '../pipeline/verdict.js'
import { OutcomeStore } from './outcome.store.js'

const clock = new FakeClock()
const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue()
const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 }
const outputRef = { bucket: 'b', key: 'k', sha256: 'f', size: 9 }
const DEFERRED: Verdict = {
  outcome: 'deferred',
  code: 'llm_rate_limited',
  delayMs: 5,
  reason: 'llm_rate_limited',
  deferralClass: 'rate_limited',
  countsAttempt: false,
}
const HELD: Verdict = { outcome: 'held', code: 'maybe_paid', reason: 'maybe_paid' }
const SUCCEEDED: Verdict = {
  outcome: 'succeeded',
  output: { outputRef },
  facts: { answer: { model: 'm', finishReason: 'stop', usage, llmMs: 1 }, promptVersion: 'a@1' },
}
const ERROR = TaskError.invalid('llm_bad_request', 'call 15 was refused')

let ledger: FakeLedger
let publisher: FakeResultPublisher
let relay: OutboxRelay

beforeEach(() => {
  warn.mockClear()
  ledger = new FakeLedger()
  publisher = new FakeResultPublisher()
  relay = new OutboxRelay(ledger, publisher)
})

async function store(verdict: Verdict, attemptEnd?: AttemptEnd, fields: Partial<ClaimedTask> = {}) {
  const { context } = makeTaskContext(makeClaimedTask({ taskId: 'a', attempts: 2, ...fields }))
  context.attemptEnd = attemptEnd
  const stored = await new OutcomeStore(ledger, relay, new MessageParser({ maxMessageBytes: 4_096 }), clock).store(context, verdict)
  return { stored, task: context.task }
}

const END: AttemptEnd = { attemptId: 'x', state: 'refused', error: ERROR }

describe(OutcomeStore.name, () => {
  it('stores nothing for a task that is gone', async () => {
    expect((await store({ outcome: 'gone' })).stored).toEqual({ outcome: 'gone' })
  })

  it('puts a deferred task back, with the end of its attempt', async () => {
    ledger.defer.mockResolvedValue('done')
    const { stored, task } = await store(DEFERRED, END)
    expect(stored).toEqual({ outcome: 'deferred', code: 'llm_rate_limited' })
    expect(ledger.defer.mock.calls).toEqual([
      [{ task, delayMs: 5, reason: 'llm_rate_limited', deferralClass: 'rate_limited', countsAttempt: false, attemptEnd: END }],
    ])
  })

  it('puts a deferred task back without an end when no attempt was open', async () => {
    ledger.defer.mockResolvedValue('done')
    await store(DEFERRED)
    expect(ledger.defer.mock.calls[0]![0]).not.toHaveProperty('attemptEnd')
  })

  it('parks a held task', async () => {
    ledger.hold.mockResolvedValue('done')
    const { stored, task } = await store(HELD, END)
    expect(stored).toEqual({ outcome: 'held', code: 'maybe_paid' })
    expect(ledger.hold.mock.calls).toEqual([[task, 'maybe_paid', { attemptEnd: END }]])
  })

  it.each(['failed', 'expired'] as const)(
    'gives the metadata of its producer back with a run that %s before it had an answer',
    async (outcome) => {
      const payload = JSON.stringify({ task_id: 'a', prompt: 'x', metadata: { order: 7 } })
      ledger.finish.mockResolvedValue({ kind: 'finished', outbox: [] })
      await store({ outcome, code: 'llm_bad_request', error: ERROR, facts: {} }, undefined, { payload })
      const event = JSON.parse(ledger.finish.mock.calls[0]![0].makeResultEvent(undefined).toString()) as unknown
      expect(event).toMatchObject({ outcome, metadata: { order: 7 } })
    },
  )

  it('keeps the template of the run with a task that is put back or parked', async () => {
    ledger.defer.mockResolvedValue('done')
    ledger.hold.mockResolvedValue('done')
    await store(DEFERRED, undefined, { promptVersion: 'a@1' })
    await store(HELD, undefined, { promptVersion: 'a@1' })
    expect(ledger.defer.mock.calls[0]![0]).toMatchObject({ promptVersion: 'a@1' })
    expect(ledger.hold.mock.calls[0]![2]).toEqual({ promptVersion: 'a@1' })
  })

  it('tells the template of a run that failed before there was an answer', async () => {
    ledger.finish.mockResolvedValue({ kind: 'finished', outbox: [] })
    await store(makeFailure(ERROR), END, { promptVersion: 'a@1' })
    const [end] = ledger.finish.mock.calls[0]!
    expect(end.promptVersion).toBe('a@1')
    expect(JSON.parse(end.makeResultEvent(undefined).toString())).toMatchObject({ versions: { prompt: 'a@1' } })
  })

  it('finishes a run that succeeded, with no dead letter, and publishes what the ledger gives back', async () => {
    const outbox = [makeOutboxMessage()]
    ledger.finish.mockResolvedValue({ kind: 'finished', outbox })
    ledger.markPublished.mockResolvedValue()
    publisher.publish.mockResolvedValue()
    const { stored, task } = await store(SUCCEEDED)
    expect(stored).toEqual({ outcome: 'succeeded' })
    expect(ledger.finish.mock.calls).toEqual([
      [
        {
          task,
          outcome: 'succeeded',
          attempts: 2,
          model: 'm',
          finishReason: 'stop',
          usage,
          promptVersion: 'a@1',
          outputRef,
          resultEventId: makeResultEventId('default', 'a', 1),
          makeResultEvent: expect.any(Function),
          sizeBytes: expect.any(Number),
        },
      ],
    ])
    await relay.whenIdle()
    expect(publisher.publish.mock.calls).toEqual([[outbox]])
  })

  it('makes the result event with the number inside its key, from the times of claim and end', async () => {
    ledger.finish.mockResolvedValue({ kind: 'finished', outbox: [] })
    await store(SUCCEEDED)
    const event: unknown = JSON.parse(ledger.finish.mock.calls[0]![0].makeResultEvent(9).toString())
    expect(event).toMatchObject({
      key_sequence: 9,
      output_ref: outputRef,
      timings: { waiting_ms: 2_000, finished_at: new Date(clock.nowMs()).toISOString() },
    })
  })

  it('finishes a failed run with its error and a dead letter', async () => {
    ledger.finish.mockResolvedValue({ kind: 'finished', outbox: [] })
    const { stored } = await store(makeFailure(ERROR), END)
    expect(stored).toEqual({ outcome: 'failed', code: 'llm_bad_request' })
    const [end] = ledger.finish.mock.calls[0]!
    expect(end).toMatchObject({
      outcome: 'failed',
      attemptEnd: END,
      error: {
        code: 'llm_bad_request',
        message: 'call 15 was refused',
        retryable: false,
        fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      },
    })
    expect(JSON.parse(end.deadLetter!.value.toString())).toMatchObject({ kind: 'failed', event_id: end.deadLetter!.eventId })
    expect(end).not.toHaveProperty('model')
    expect(end.sizeBytes).toBeGreaterThan(end.deadLetter!.value.length)
  })

  it('finishes an expired run without a dead letter', async () => {
    ledger.finish.mockResolvedValue({ kind: 'finished', outbox: [] })
    const { stored } = await store({ outcome: 'expired', code: 'deadline_exceeded', error: ERROR, facts: {} })
    expect(stored.outcome).toBe('expired')
    expect(ledger.finish.mock.calls[0]![0]).not.toHaveProperty('deadLetter')
  })

  it.each([
    ['a deferral', DEFERRED],
    ['a hold', HELD],
    ['an end', SUCCEEDED],
  ])('reports %s as gone, with a warning and nothing published, when the task went to another worker', async (_, verdict) => {
    ledger.defer.mockResolvedValue('fenced')
    ledger.hold.mockResolvedValue('fenced')
    ledger.finish.mockResolvedValue({ kind: 'fenced' })
    expect((await store(verdict)).stored).toEqual({ outcome: 'gone' })
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('gone to another worker'), { outcome: verdict.outcome })
    await relay.whenIdle()
    expect(publisher.publish).not.toHaveBeenCalled()
  })

  it('rejects when the ledger rejects', async () => {
    ledger.finish.mockRejectedValue(TaskError.unavailable('ledger_unavailable', 'away'))
    await expect(store(SUCCEEDED)).rejects.toMatchObject({ code: 'ledger_unavailable' })
  })

  it('does not leave a task running for ever when the ledger does not take its outcome', async () => {
    const error = vi.spyOn(Logger.prototype, 'error').mockReturnValueOnce()
    ledger.finish
      .mockRejectedValueOnce(new RangeError('a number that nobody foresaw'))
      .mockResolvedValueOnce({ kind: 'finished', outbox: [] })
    const { stored } = await store(SUCCEEDED, END)
    expect(stored).toEqual({ outcome: 'failed', code: 'internal' })
    expect(ledger.finish.mock.calls[1]![0]).toMatchObject({
      outcome: 'failed',
      attemptEnd: END,
      error: { code: 'internal', retryable: false },
      deadLetter: { eventId: expect.any(String) },
    })
    expect(error).toHaveBeenCalledTimes(1)
  })

  it('rejects when the ledger takes neither the outcome nor the failure', async () => {
    const error = vi.spyOn(Logger.prototype, 'error').mockReturnValueOnce()
    ledger.defer.mockRejectedValueOnce(new RangeError('odd'))
    ledger.finish.mockRejectedValueOnce(new RangeError('odd'))
    await expect(store(DEFERRED)).rejects.toThrow('odd')
    expect(error).toHaveBeenCalledTimes(1)
  })

  it('rejects when the service stops while PostgreSQL is away', async () => {
    ledger.defer.mockRejectedValueOnce(new TaskError('shutdown', 'stopped', { retryable: true }))
    await expect(store(DEFERRED)).rejects.toMatchObject({ code: 'shutdown' })
    expect(ledger.finish).not.toHaveBeenCalled()
  })
})
