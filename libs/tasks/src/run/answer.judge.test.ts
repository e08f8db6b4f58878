import { beforeEach, describe, expect, it } from 'vitest'
import type { TaskMessage } from '#libs/contracts'
import { TaskError } from '#libs/kernel'
import { makeAnswer } from '../../../../test/factories/answer.factory.js'
import { makeClaimedTask } from '../../../../test/factories/claimed-task.factory.js'
import { makeTaskType } from '../../../../test/factories/task-type.factory.js'
import { FakeFileStore } from '../../../../test/fakes/fake-file.store.js'
import { FakeLlmClients } from '../../../../test/fakes/fake-llm.client.js'
import { FakeOutputChecker } from '../../../../test/fakes/fake-prompt.renderer.js'
import { AnswerJudge } from './answer.judge.js'
import type { KnownTask } from './task.preparer.js'

const signal = new AbortController().signal
const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 }
const schema = { type: 'object' }
const reference = { bucket: 'answers', key: 'k', sha256: 'f', size: 9 }
const INLINE_BYTES = 8

let clients: FakeLlmClients
let checker: FakeOutputChecker
let files: FakeFileStore

beforeEach(() => {
  clients = new FakeLlmClients()
  checker = new FakeOutputChecker()
  files = new FakeFileStore()
})

function makeKnown(message: Partial<TaskMessage> = {}, named: { tenant?: string; taskId?: string } = {}): KnownTask {
  const type = makeTaskType()
  return {
    task: makeClaimedTask({ taskId: 'a', run: 2, ...named }),
    message: { task_id: 'a', prompt: 'x', ...message },
    type,
    tenant: { name: 'default', filePrefixes: [] },
    call: { ...type, responseSchema: message.response_schema },
  }
}

function judge(text: string, message: Partial<TaskMessage> = {}, promptVersion?: string, named: { tenant?: string; taskId?: string } = {}) {
  clients.client.parse.mockReturnValue({ text, usage, finishReason: 'stop', model: 'GigaChat-2:1' })
  const answerJudge = new AnswerJudge(clients, checker, files, { inlineAnswerBytes: INLINE_BYTES, filesInHandBytes: 1_000, maxCrashes: 5 })
  return answerJudge.judge(makeKnown(message, named), { ...makeAnswer(), ...(promptVersion !== undefined && { promptVersion }) }, signal)
}

const answerFacts = { model: 'GigaChat-2:1', finishReason: 'stop', usage, llmMs: 12 }

describe(AnswerJudge.name, () => {
  it('succeeds with the text, and with what is known of the call', async () => {
    expect(await judge('a'.repeat(INLINE_BYTES), { metadata: { order: 1 } }, 'summary@1')).toEqual({
      outcome: 'succeeded',
      output: { text: 'a'.repeat(INLINE_BYTES) },
      facts: { answer: answerFacts, metadata: { order: 1 }, promptVersion: 'summary@1' },
    })
  })

  it('gives the parsed JSON when the task asked for a schema', async () => {
    checker.check.mockResolvedValue({ n: 1 })
    expect(await judge('{"n":1}', { response_schema: schema })).toMatchObject({ output: { text: '{"n":1}', json: { n: 1 } } })
    expect(checker.check.mock.calls).toEqual([['{"n":1}', schema]])
  })

  it('puts a large answer into storage under a name of its run, counted in bytes', async () => {
    files.putAnswer.mockResolvedValue(reference)
    const text = 'яяяяя'
    expect(await judge(text)).toMatchObject({ outcome: 'succeeded', output: { outputRef: reference } })
    expect(files.putAnswer.mock.calls).toEqual([['default/2026-01-02/a/2.txt', Buffer.from(text), signal]])
  })

  it('makes a plain object key of whatever the ledger holds: a paid answer once failed for a task called ".."', async () => {
    files.putAnswer.mockResolvedValue(reference)
    await judge('яяяяя', {}, undefined, { tenant: '.', taskId: '..' })
    expect(files.putAnswer.mock.calls[0]![0]).toBe('~./2026-01-02/~../2.txt')
  })

  it('leaves the text and the JSON out of the event when the answer lies in storage', async () => {
    files.putAnswer.mockResolvedValue(reference)
    checker.check.mockResolvedValue({ n: '1234567' })
    const verdict = await judge('{"n":"1234567"}', { response_schema: schema })
    expect(verdict).toHaveProperty('output', { outputRef: reference })
  })

  it('fails, and keeps what the answer has cost, when it is not what the schema wants', async () => {
    const error = TaskError.invalid('output_invalid', 'n: is missing')
    checker.check.mockRejectedValue(error)
    expect(await judge('{}', { response_schema: schema }, 'summary@1')).toEqual({
      outcome: 'failed',
      code: 'output_invalid',
      error,
      facts: { answer: answerFacts, promptVersion: 'summary@1' },
    })
  })

  it('fails with the metadata only when the answer is not of the shape of its provider', async () => {
    const judged = judge('', { metadata: { order: 1 } })
    await judged
    const error = TaskError.invalid('llm_bad_response', 'no choices')
    clients.client.parse.mockImplementation(() => {
      throw error
    })
    const answerJudge = new AnswerJudge(clients, checker, files, {
      inlineAnswerBytes: INLINE_BYTES,
      filesInHandBytes: 1_000,
      maxCrashes: 5,
    })
    expect(await answerJudge.judge(makeKnown({ metadata: { order: 1 } }), makeAnswer(), signal)).toEqual({
      outcome: 'failed',
      code: 'llm_bad_response',
      error,
      facts: { metadata: { order: 1 } },
    })
  })

  it.each([
    ['the storage is away', TaskError.unavailable('storage_unavailable', 'away')],
    ['it meets a defect', new TypeError('x is undefined')],
  ])('leaves it to the pipeline when %s, since the answer is stored', async (_, error) => {
    files.putAnswer.mockRejectedValue(error)
    await expect(judge('a large answer')).rejects.toBe(error)
  })
})
