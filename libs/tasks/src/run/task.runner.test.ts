import { beforeEach, describe, expect, it } from 'vitest'
import type { TaskMessage } from '#libs/contracts'
import { classifyError, TaskError, type ClaimedTask, type FileText, type OpenAttempt, type SendResult, type TaskType } from '#libs/kernel'
import { makeAnswer } from '../../../../test/factories/answer.factory.js'
import { makeClaimedTask } from '../../../../test/factories/claimed-task.factory.js'
import { makeStoredAnswer } from '../../../../test/factories/stored-answer.factory.js'
import { makeTaskContext } from '../../../../test/factories/task-context.factory.js'
import { makeTaskType } from '../../../../test/factories/task-type.factory.js'
import { FakeFileStore } from '../../../../test/fakes/fake-file.store.js'
import { FakeLedger } from '../../../../test/fakes/fake-ledger.js'
import { FakeLlmClients } from '../../../../test/fakes/fake-llm.client.js'
import { FakeOutputChecker, FakePromptRenderer } from '../../../../test/fakes/fake-prompt.renderer.js'
import { FakeCallObserver } from '../../../../test/fakes/fake.call-observer.js'
import { FakeClock } from '../../../../test/fakes/fake.clock.js'
import { FileBudget } from '../files/file.budget.js'
import { TaskFilesReader } from '../files/task-files.reader.js'
import { MessageParser } from '../intake/message-parser.js'
import type { Verdict } from '../pipeline/verdict.js'
import { FileTaskTypes } from '../types/file-task-types.js'
import { TenantDirectory } from '../types/tenant-directory.js'
import { AnswerJudge } from './answer.judge.js'
import { TaskController } from './task.controller.js'
import { TaskPreparer } from './task.preparer.js'
import { TaskRunner } from './task.runner.js'

const MESSAGES = [{ role: 'user', content: 'a question' }] as const
const PARSED = { text: 'an answer', model: 'GigaChat-2:1', finishReason: 'stop', usage: undefined }

let ledger: FakeLedger
let clients: FakeLlmClients
let files: FakeFileStore
let prompts: FakePromptRenderer

beforeEach(() => {
  ledger = new FakeLedger()
  clients = new FakeLlmClients()
  files = new FakeFileStore()
  files.statText.mockResolvedValue(7)
  prompts = new FakePromptRenderer()
  clients.client.parse.mockReturnValue(PARSED)
  prompts.render.mockReturnValue({ messages: MESSAGES, estimatedPromptTokens: 5 })
})

interface Case {
  readonly type?: Partial<TaskType>
  readonly message?: Partial<TaskMessage>
  readonly task?: Partial<ClaimedTask>
  readonly signal?: AbortSignal
}

function start({ type = {}, message = {}, task: fields = {}, signal }: Case = {}) {
  const settings = { inlineAnswerBytes: 100, filesInHandBytes: 1_000, maxCrashes: 3 }
  const budget = new FileBudget(settings)
  const types = new FileTaskTypes([makeTaskType(type)])
  const tenants = new TenantDirectory([{ name: 'default', filePrefixes: ['inputs/'] }], new Map())
  const preparer = new TaskPreparer(
    new MessageParser({ maxMessageBytes: 4_096 }),
    types,
    tenants,
    new TaskFilesReader(files, budget),
    prompts,
  )
  const judge = new AnswerJudge(clients, new FakeOutputChecker(), files, settings)
  const runner = new TaskRunner(ledger, clients, preparer, judge, new FakeCallObserver(), settings)
  const task = makeClaimedTask({ payload: JSON.stringify({ task_id: 'a', prompt: 'a question', ...message }), ...fields })
  const { context, streams, clock } = makeTaskContext(task, signal && { signal })
  return { task, context, streams, clock, budget, verdict: new TaskController(runner).take()(context) as Promise<Verdict> }
}

function answerWith(...results: SendResult[]): void {
  for (const result of results) clients.client.send.mockResolvedValueOnce(result)
}

const refused = (code: TaskError['code'], retryable = false): SendResult => ({
  kind: 'refused',
  error: new TaskError(code, 'refused', { retryable }),
  answer: makeAnswer('', { status: 401, body: Buffer.from('x'.repeat(3_000)) }),
})
const brokenOff: SendResult = { kind: 'maybe_paid', error: TaskError.unavailable('llm_connection_lost', 'reset'), partial: 'an ans' }
const next: OpenAttempt = { id: 'next', number: 2 }

describe(TaskRunner.name, () => {
  describe('a call that is answered', () => {
    it('is sent with what was claimed and resolved, stored before it is judged, and succeeds', async () => {
      const answer = makeAnswer()
      answerWith({ kind: 'answered', answer })
      ledger.recordAnswer.mockResolvedValue()
      prompts.render.mockReturnValue({ messages: MESSAGES, estimatedPromptTokens: 5, promptVersion: 'summary@2' })
      const { task, context, streams, verdict } = start({ type: { stream: true }, message: { metadata: { order: 1 } } })
      expect(await verdict).toEqual({
        outcome: 'succeeded',
        output: { text: 'an answer' },
        facts: {
          metadata: { order: 1 },
          promptVersion: 'summary@2',
          answer: { model: 'GigaChat-2:1', finishReason: 'stop', usage: undefined, llmMs: 12 },
        },
      })
      expect(clients.client.send.mock.calls).toEqual([
        [
          {
            attemptId: task.attempt!.id,
            model: 'GigaChat-2',
            messages: MESSAGES,
            params: { max_tokens: 100 },
            stream: true,
            checkMaySend: expect.any(Function),
          },
          context.signal,
        ],
      ])
      expect(ledger.recordAnswer.mock.calls).toEqual([[task, task.attempt, { ...answer, promptVersion: 'summary@2' }]])
      expect(ledger.recordAnswer.mock.invocationCallOrder[0]).toBeLessThan(clients.client.parse.mock.invocationCallOrder[0]!)
      expect([context.attempt, context.attemptEnd]).toEqual([null, undefined])
      expect(streams).toMatchObject({ released: 1, inUse: 0 })
    })

    it('is told its response schema', async () => {
      answerWith({ kind: 'answered', answer: makeAnswer() })
      ledger.recordAnswer.mockResolvedValue()
      await start({ message: { response_schema: { type: 'object' } } }).verdict.catch(() => undefined)
      expect(clients.client.send.mock.calls[0]![0]).toMatchObject({ responseSchema: { type: 'object' } })
    })

    it('gives its stream back before it is stored', async () => {
      answerWith({ kind: 'answered', answer: makeAnswer() })
      const { streams, verdict } = start()
      let inUse: number | undefined
      ledger.recordAnswer.mockImplementation(() => {
        inUse = streams.inUse
        return Promise.resolve()
      })
      await verdict
      expect(inUse).toBe(0)
    })

    it('counts as maybe paid when it cannot be stored: it once looked like one that was never sent, and was bought again', async () => {
      answerWith({ kind: 'answered', answer: makeAnswer() })
      ledger.recordAnswer.mockRejectedValue(new Error('invalid byte sequence'))
      const { task, context, verdict } = start({ type: { onMaybePaid: 'fail' } })
      expect(await verdict).toMatchObject({ outcome: 'failed', code: 'maybe_paid', error: { cause: { code: 'internal' } } })
      expect(context.attemptEnd).toMatchObject({ attemptId: task.attempt!.id, state: 'maybe_paid', error: { code: 'internal' } })
      expect(clients.client.parse).not.toHaveBeenCalled()
    })
  })

  it('counts a call as maybe paid when its client fails: it once looked like one that was never sent', async () => {
    clients.client.send.mockRejectedValue(new TypeError('x is undefined'))
    const { context, verdict } = start({ type: { onMaybePaid: 'fail' } })
    expect(await verdict).toMatchObject({ outcome: 'failed', code: 'maybe_paid' })
    expect(context.attemptEnd).toMatchObject({ state: 'maybe_paid', error: { code: 'internal' } })
  })

  it('judges a stored answer without a call, a prompt or a stream', async () => {
    const { streams, verdict } = start({ task: { attempt: null, storedAnswer: makeStoredAnswer(), crashes: 2, attempts: 99 } })
    expect(await verdict).toMatchObject({ outcome: 'succeeded', output: { text: 'an answer' } })
    expect(prompts.render).not.toHaveBeenCalled()
    expect(streams.inUse).toBe(0)
  })

  it('tells the template of a stored answer, which was lost when a worker had died', async () => {
    const storedAnswer = makeStoredAnswer({ promptVersion: 'summary@1' })
    expect(await start({ task: { attempt: null, storedAnswer } }).verdict).toMatchObject({ facts: { promptVersion: 'summary@1' } })
  })

  it('remembers its template when the call fails, for the next dispatch of the run', async () => {
    prompts.render.mockReturnValue({ messages: MESSAGES, estimatedPromptTokens: 5, promptVersion: 'summary@2' })
    answerWith(refused('llm_rate_limited', true))
    const { context, verdict } = start()
    await expect(verdict).rejects.toMatchObject({ code: 'llm_rate_limited' })
    expect(context.progress).toMatchObject({ promptVersion: 'summary@2', attemptEnd: { state: 'refused' } })
  })

  describe('a task that must not be called for', () => {
    it.each([
      ['all attempts have been used', { attempts: 4 }, 'max_attempts', 'all 3 attempts have been used'],
      [
        'workers died too often with no other suspect',
        { crashes: 3 },
        'poison',
        'the worker died 3 times while it ran this task and no other suspect',
      ],
    ] as const)('fails, its attempt not sent, when %s', async (_, task, code, message) => {
      const { context, verdict } = start({ task })
      expect(await verdict).toMatchObject({ outcome: 'failed', code, error: { message, retryable: false } })
      expect(context.attemptEnd).toMatchObject({ attemptId: context.attempt!.id, state: 'not_sent' })
      expect(clients.client.send).not.toHaveBeenCalled()
    })

    it('fails without an attempt to end when none is open', async () => {
      const { context, verdict } = start({ task: { crashes: 3, attempt: null } })
      expect(await verdict).toMatchObject({ code: 'poison' })
      expect(context.attemptEnd).toBeUndefined()
    })

    it('fails when its stored answer is what kills the worker', async () => {
      const { verdict } = start({ task: { crashes: 3, attempt: null, storedAnswer: makeStoredAnswer() } })
      expect(await verdict).toMatchObject({ code: 'poison' })
      expect(clients.client.parse).not.toHaveBeenCalled()
    })

    it.each([
      ['is held by the policy hold', 'hold', 1, { outcome: 'held', code: 'maybe_paid', reason: 'maybe_paid' }],
      ['fails by the policy fail', 'fail', 1, { outcome: 'failed', code: 'maybe_paid' }],
      ['fails by the policy retry when that was used up', 'retry', 2, { outcome: 'failed', code: 'maybe_paid' }],
    ] as const)('%s after a worker died during its call', async (_, onMaybePaid, maybePaid, expected) => {
      const { verdict } = start({ type: { onMaybePaid }, task: { attempt: null, maybePaid, crashes: 1 } })
      expect(await verdict).toMatchObject(expected)
      expect(ledger.openAttempt).not.toHaveBeenCalled()
    })

    it('is called again by the policy retry after a worker died during its call', async () => {
      ledger.openAttempt.mockResolvedValue(next)
      answerWith({ kind: 'answered', answer: makeAnswer() })
      ledger.recordAnswer.mockResolvedValue()
      const { verdict } = start({ task: { attempt: null, attempts: 0, maybePaid: 1, crashes: 1 } })
      expect(await verdict).toMatchObject({ outcome: 'succeeded' })
    })

    it('is called again when the ledger has opened an attempt for it, whatever ended as maybe paid before', async () => {
      answerWith({ kind: 'answered', answer: makeAnswer() })
      ledger.recordAnswer.mockResolvedValue()
      expect(await start({ type: { onMaybePaid: 'hold' }, task: { maybePaid: 1 } }).verdict).toMatchObject({ outcome: 'succeeded' })
    })
  })

  describe('a task with files', () => {
    const withFiles: Case = {
      message: { files: [{ key: 'inputs/a.txt' }] },
      task: { hasFiles: true, attempt: null, attempts: 0 },
    }

    beforeEach(() => {
      files.readText.mockResolvedValue({ bucket: 'b', key: 'inputs/a.txt', text: 'x', sizeBytes: 1, sha256: '', mediaType: 'text/plain' })
    })

    it('reads them before it takes a stream and opens its attempt, which counts', async () => {
      ledger.openAttempt.mockResolvedValue({ id: 'first', number: 1 })
      ledger.recordAnswer.mockResolvedValue()
      answerWith({ kind: 'answered', answer: makeAnswer() })
      const { task, context, streams, verdict } = start(withFiles)
      expect(streams.inUse).toBe(0)
      expect(await verdict).toMatchObject({ outcome: 'succeeded' })
      expect(ledger.openAttempt.mock.calls).toEqual([[task, { countsAttempt: true, estimatedTokens: 105 }]])
      expect(files.readText.mock.invocationCallOrder[0]).toBeLessThan(ledger.openAttempt.mock.invocationCallOrder[0]!)
      expect(clients.client.send.mock.calls[0]![0].attemptId).toBe('first')
      expect(context.attempts).toBe(1)
      expect(streams).toMatchObject({ released: 1, inUse: 0 })
    })

    it('keeps its files in hand until its dispatch has ended, however it ended', async () => {
      ledger.openAttempt.mockResolvedValue({ id: 'first', number: 1 })
      const sent = Promise.withResolvers<SendResult>()
      clients.client.send.mockReturnValue(sent.promise)
      const { budget, verdict } = start(withFiles)
      await expect.poll(() => clients.client.send.mock.calls.length).toBe(1)
      expect(budget.inHandBytes).toBe(7)
      sent.resolve(refused('llm_bad_request'))
      await expect(verdict).rejects.toMatchObject({ code: 'llm_bad_request' })
      expect(budget.inHandBytes).toBe(0)
    })

    it('takes neither a stream nor an attempt when they cannot be read', async () => {
      files.readText.mockRejectedValue(TaskError.unavailable('storage_unavailable', 'away'))
      const { streams, verdict } = start(withFiles)
      await expect(verdict).rejects.toMatchObject({ code: 'storage_unavailable' })
      expect(ledger.openAttempt).not.toHaveBeenCalled()
      expect(streams.released).toBe(0)
    })

    it('is gone when the ledger opens no attempt', async () => {
      ledger.openAttempt.mockResolvedValue(null)
      const { context, verdict } = start(withFiles)
      expect(await verdict).toEqual({ outcome: 'gone' })
      expect(context).toMatchObject({ attempt: null, attempts: 0 })
      expect(clients.client.send).not.toHaveBeenCalled()
    })
  })

  describe('a call whose token is refused', () => {
    it('opens the next attempt at once on the same stream, outside the maximum', async () => {
      answerWith(refused('llm_unauthorized', true), { kind: 'answered', answer: makeAnswer() })
      ledger.openAttempt.mockResolvedValue(next)
      ledger.recordAnswer.mockResolvedValue()
      const { task, context, streams, verdict } = start()
      expect(await verdict).toMatchObject({ outcome: 'succeeded' })
      expect(ledger.openAttempt.mock.calls[0]![1]).toMatchObject({
        countsAttempt: false,
        attemptEnd: { attemptId: task.attempt!.id, state: 'refused', error: { code: 'llm_unauthorized' } },
      })
      expect(clients.client.send.mock.calls.map(([{ attemptId }]) => attemptId)).toEqual([task.attempt!.id, 'next'])
      expect(ledger.recordAnswer.mock.calls[0]![1]).toBe(next)
      expect(context).toMatchObject({ attempts: 1, attemptEnd: undefined })
      expect(streams).toMatchObject({ released: 1, inUse: 0 })
    })

    it('is not sent a third time when the next token is refused too', async () => {
      answerWith(refused('llm_unauthorized', true), refused('llm_unauthorized', true))
      ledger.openAttempt.mockResolvedValue(next)
      const { context, streams, verdict } = start()
      await expect(verdict).rejects.toMatchObject({ code: 'llm_unauthorized' })
      expect(clients.client.send).toHaveBeenCalledTimes(2)
      expect(context.attemptEnd).toMatchObject({ attemptId: 'next', state: 'refused' })
      expect(streams).toMatchObject({ released: 1, inUse: 0 })
    })

    it('is deferred like any other when the run has had its free attempt: it once got another one in each dispatch', async () => {
      answerWith(refused('llm_unauthorized', true))
      const { task, context, streams, verdict } = start({ task: { freeAttemptUsed: true } })
      await expect(verdict).rejects.toMatchObject({ code: 'llm_unauthorized' })
      expect(ledger.openAttempt).not.toHaveBeenCalled()
      expect(context.attemptEnd).toMatchObject({ attemptId: task.attempt!.id, state: 'refused' })
      expect(streams).toMatchObject({ released: 1, inUse: 0 })
    })

    it('is gone when the ledger opens no further attempt', async () => {
      answerWith(refused('llm_unauthorized', true))
      ledger.openAttempt.mockResolvedValue(null)
      const { context, verdict } = start()
      expect(await verdict).toEqual({ outcome: 'gone' })
      expect(context).toMatchObject({ attempt: null, attemptEnd: undefined })
    })
  })

  it('sends nothing when its work was aborted meanwhile', async () => {
    const { context, verdict } = start({ signal: AbortSignal.abort(TaskError.unavailable('lease_lost', 'reaped')) })
    await expect(verdict).rejects.toMatchObject({ code: 'lease_lost' })
    expect(clients.client.send).not.toHaveBeenCalled()
    expect(context.attemptEnd).toBeUndefined()
  })

  describe('a task whose deadline passes after it was looked at', () => {
    const deadlineMs = new FakeClock().nowMs() + 1_000
    const late = { code: 'deadline_exceeded', retryable: false }

    it('is not called', async () => {
      const { context, clock, verdict } = start({ task: { deadlineMs } })
      clock.advance(1_001)
      await expect(verdict).rejects.toMatchObject(late)
      expect(context.attemptEnd).toBeUndefined()
      expect(clients.client.send).not.toHaveBeenCalled()
    })

    it('is not called when it passes while a connection is waited for', async () => {
      const { task, context, clock, verdict } = start({ task: { deadlineMs } })
      clients.client.send.mockImplementation(async ({ checkMaySend }) => {
        expect(checkMaySend).not.toThrow()
        clock.advance(1_001)
        try {
          checkMaySend!()
        } catch (error) {
          return { kind: 'not_sent', error: classifyError(error) }
        }
        return { kind: 'answered', answer: makeAnswer() }
      })
      await expect(verdict).rejects.toMatchObject(late)
      expect(context.attemptEnd).toMatchObject({ attemptId: task.attempt!.id, state: 'not_sent' })
    })

    it('opens no attempt when it passes while its files are read', async () => {
      const read = Promise.withResolvers<FileText>()
      files.readText.mockReturnValue(read.promise)
      const { context, clock, verdict } = start({
        message: { files: [{ key: 'inputs/a.txt' }] },
        task: { deadlineMs, hasFiles: true, attempt: null, attempts: 0 },
      })
      clock.advance(1_001)
      read.resolve({ bucket: 'b', key: 'inputs/a.txt', text: 'x', sizeBytes: 1, sha256: '', mediaType: 'text/plain' })
      await expect(verdict).rejects.toMatchObject(late)
      expect([context.attempt, context.attemptEnd]).toEqual([null, undefined])
      expect(ledger.openAttempt).not.toHaveBeenCalled()
    })

    it('keeps how its attempt ended when it passes after a refused token', async () => {
      const { context, clock, verdict } = start({ task: { deadlineMs } })
      clients.client.send.mockImplementation(() => {
        clock.advance(1_001)
        return Promise.resolve(refused('llm_unauthorized', true))
      })
      await expect(verdict).rejects.toMatchObject(late)
      expect(context.attemptEnd).toMatchObject({ state: 'refused' })
      expect(clients.client.send).toHaveBeenCalledTimes(1)
    })

    it('is finished from an answer that came after it', async () => {
      const { clock, verdict } = start({ task: { deadlineMs } })
      clients.client.send.mockImplementation(() => {
        clock.advance(1_001)
        return Promise.resolve({ kind: 'answered', answer: makeAnswer() })
      })
      ledger.recordAnswer.mockResolvedValue()
      expect(await verdict).toMatchObject({ outcome: 'succeeded' })
    })
  })

  describe('a call without an answer', () => {
    it('throws what refused it, and keeps the beginning of the response for people', async () => {
      answerWith(refused('llm_bad_request'))
      const { task, context, streams, verdict } = start()
      await expect(verdict).rejects.toMatchObject({ code: 'llm_bad_request' })
      expect(context.attemptEnd).toEqual({
        attemptId: task.attempt!.id,
        state: 'refused',
        error: expect.any(TaskError),
        httpStatus: 401,
        excerpt: 'x'.repeat(2_000),
      })
      expect(streams).toMatchObject({ released: 1, inUse: 0 })
    })

    it('throws why it was not sent', async () => {
      const error = TaskError.unavailable('llm_unreachable', 'refused')
      answerWith({ kind: 'not_sent', error })
      const { task, context, streams, verdict } = start()
      await expect(verdict).rejects.toBe(error)
      expect(context.attemptEnd).toEqual({ attemptId: task.attempt!.id, state: 'not_sent', error })
      expect(streams.released).toBe(1)
    })

    it('throws that its answer is too large, with the size that was cut off', async () => {
      const error = TaskError.invalid('answer_too_large', 'too large')
      answerWith({ kind: 'answer_too_large', error, sizeBytes: 33_554_432 })
      const { task, context, verdict } = start()
      await expect(verdict).rejects.toBe(error)
      expect(context.attemptEnd).toEqual({
        attemptId: task.attempt!.id,
        state: 'answered',
        error,
        excerpt: 'an answer of more than 33554432 bytes was cut off',
      })
    })

    it('is to be repeated after it may have been paid for', async () => {
      answerWith(brokenOff)
      const { task, context, streams, verdict } = start()
      expect(await verdict).toEqual({ outcome: 'repeat', error: expect.objectContaining({ code: 'llm_connection_lost' }) })
      expect(context.hasAnswer).toBe(false)
      expect(context.attemptEnd).toEqual({
        attemptId: task.attempt!.id,
        state: 'maybe_paid',
        error: expect.any(TaskError),
        excerpt: 'an ans',
      })
      expect(streams.released).toBe(1)
    })

    it('keeps no text when none had come', async () => {
      answerWith({ kind: 'maybe_paid', error: TaskError.unavailable('llm_timeout', 'late') })
      const { context, verdict } = start()
      await verdict
      expect(context.attemptEnd).not.toHaveProperty('excerpt')
    })

    it('fails when it may have been paid for more often than the type allows, naming the last error', async () => {
      answerWith(brokenOff)
      expect(await start({ task: { maybePaid: 1 } }).verdict).toMatchObject({
        outcome: 'failed',
        code: 'maybe_paid',
        error: {
          message: '2 calls broke off after they were sent and may have been paid for: reset',
          retryable: false,
          cause: { code: 'llm_connection_lost' },
        },
      })
    })

    it.each([
      ['the type says hold', { type: { onMaybePaid: 'hold' } }, 'held'],
      ['the type says fail', { type: { onMaybePaid: 'fail' } }, 'failed'],
      ['the message is stricter: hold', { message: { on_maybe_paid: 'hold' } }, 'held'],
      ['the message is stricter: fail', { message: { on_maybe_paid: 'fail' } }, 'failed'],
    ] as const)('is not repeated after it may have been paid for when %s', async (_, rules, outcome) => {
      answerWith(brokenOff)
      expect(await start(rules).verdict).toMatchObject({ outcome, code: 'maybe_paid' })
    })
  })
})
