import { beforeEach, describe, expect, it } from 'vitest'
import type { TaskMessage } from '#libs/contracts'
import { TaskError, type ClaimedTask, type FileText, type TaskType } from '#libs/kernel'
import { makeClaimedTask } from '../../../../test/factories/claimed-task.factory.js'
import { makeTaskType } from '../../../../test/factories/task-type.factory.js'
import { FakeFileStore } from '../../../../test/fakes/fake-file.store.js'
import { FakePromptRenderer } from '../../../../test/fakes/fake-prompt.renderer.js'
import { FileBudget } from '../files/file.budget.js'
import { TaskFilesReader } from '../files/task-files.reader.js'
import { MessageParser } from '../intake/message-parser.js'
import { FileTaskTypes } from '../types/file-task-types.js'
import { TenantDirectory, type Tenant } from '../types/tenant-directory.js'
import { TaskPreparer } from './task.preparer.js'

const signal = new AbortController().signal
const tenant: Tenant = { name: 'default', filePrefixes: ['inputs/'] }
const type = makeTaskType()
const rendered = { messages: [], estimatedPromptTokens: 1 }

let files: FakeFileStore
let budget: FileBudget
let prompts: FakePromptRenderer

beforeEach(() => {
  files = new FakeFileStore()
  files.statText.mockResolvedValue(4)
  budget = new FileBudget({ filesInHandBytes: 100, inlineAnswerBytes: 0, maxCrashes: 5 })
  prompts = new FakePromptRenderer()
  prompts.render.mockReturnValue(rendered)
})

function makePreparer(types: readonly TaskType[] = [type], tenants: readonly Tenant[] = [tenant]): TaskPreparer {
  const parser = new MessageParser({ maxMessageBytes: 4_096 })
  return new TaskPreparer(
    parser,
    new FileTaskTypes(types),
    new TenantDirectory(tenants, new Map()),
    new TaskFilesReader(files, budget),
    prompts,
  )
}

function makeTask(message: Partial<TaskMessage> = {}, fields: Partial<ClaimedTask> = {}): ClaimedTask {
  return makeClaimedTask({ payload: JSON.stringify({ task_id: 'a', prompt: 'x', ...message }), ...fields })
}

const makeFile = (key: string): FileText => ({ bucket: 'b', key, text: key, sizeBytes: 1, sha256: 'f', mediaType: 'text/plain' })

describe(TaskPreparer.name, () => {
  it('recognises a stored task under the rules that hold now', () => {
    const task = makeTask({ params: { max_tokens: 50 } })
    expect(makePreparer().recognise(task)).toEqual({
      task,
      type,
      tenant,
      message: { task_id: 'a', prompt: 'x', params: { max_tokens: 50 } },
      call: { provider: 'gigachat', model: 'GigaChat-2', params: { max_tokens: 50 }, onMaybePaid: 'retry', responseSchema: undefined },
    })
  })

  it.each([
    ['its type is gone', makePreparer([]), makeTask(), 'unknown_task_type'],
    ['its tenant is gone', makePreparer([type], []), makeTask(), 'tenant_not_allowed'],
    ['its payload cannot be read any more', makePreparer(), makeTask({}, { payload: '{' }), 'invalid_json'],
    ['its model is not allowed any more', makePreparer(), makeTask({ model: 'GigaChat-2-Max' }), 'model_not_allowed'],
  ])('refuses a task for good when %s', (_, preparer, task, code) => {
    expect(() => preparer.recognise(task)).toThrow(expect.objectContaining({ code, retryable: false }))
  })

  it('renders a task without files from what it says and what its type allows', async () => {
    const preparer = makePreparer()
    const known = preparer.recognise(makeTask())
    await expect(preparer.render(known, 32_768, signal)).resolves.toMatchObject(rendered)
    const input = { message: known.message, type, files: [], contextWindow: 32_768, maxTokens: 100, pinnedVersion: undefined }
    expect(prompts.render.mock.calls).toEqual([[input]])
  })

  it('renders a run that was rendered before with the version that it had', async () => {
    const preparer = makePreparer()
    await preparer.render(preparer.recognise(makeTask({}, { promptVersion: 'summary@1' })), undefined, signal)
    expect(prompts.render.mock.calls[0]![0].pinnedVersion).toBe('summary@1')
  })

  it('reads each file under the limits of tenant and type, and names it', async () => {
    files.readText.mockImplementation(({ key }) => Promise.resolve(makeFile(key)))
    const preparer = makePreparer()
    const task = makeTask({ files: [{ key: 'inputs/a', bucket: 'mine', media_type: 'text/csv', name: 'table' }, { key: 'inputs/b' }] })
    await preparer.render(preparer.recognise(task), undefined, signal)
    const limits = { allowedPrefixes: ['inputs/'], maxSizeBytes: 1_000 }
    expect(files.readText.mock.calls).toEqual([
      [{ key: 'inputs/a', bucket: 'mine', mediaType: 'text/csv', ...limits }, signal],
      [{ key: 'inputs/b', ...limits }, signal],
    ])
    expect(prompts.render.mock.calls[0]![0].files).toEqual([
      { ...makeFile('inputs/a'), name: 'table' },
      { ...makeFile('inputs/b'), name: 'file2' },
    ])
  })

  it('renders nothing when a file cannot be read', async () => {
    files.readText.mockRejectedValue(TaskError.invalid('file_not_found', 'none'))
    const preparer = makePreparer()
    const known = preparer.recognise(makeTask({ files: [{ key: 'inputs/a' }] }))
    await expect(preparer.render(known, undefined, signal)).rejects.toMatchObject({ code: 'file_not_found' })
    expect(prompts.render).not.toHaveBeenCalled()
  })

  it('holds the bytes of its files until the prompt is disposed of', async () => {
    files.readText.mockImplementation(({ key }) => Promise.resolve(makeFile(key)))
    const preparer = makePreparer()
    const prompt = await preparer.render(
      preparer.recognise(makeTask({ files: [{ key: 'inputs/a' }, { key: 'inputs/b' }] })),
      undefined,
      signal,
    )
    expect(budget.inHandBytes).toBe(8)
    prompt[Symbol.dispose]()
    expect(budget.inHandBytes).toBe(0)
  })

  it('holds nothing when the prompt cannot be made', async () => {
    files.readText.mockImplementation(({ key }) => Promise.resolve(makeFile(key)))
    prompts.render.mockImplementation(() => {
      throw TaskError.invalid('prompt_too_large', 'large')
    })
    const preparer = makePreparer()
    const rendering = preparer.render(preparer.recognise(makeTask({ files: [{ key: 'inputs/a' }] })), undefined, signal)
    await expect(rendering).rejects.toMatchObject({ code: 'prompt_too_large' })
    expect(budget.inHandBytes).toBe(0)
  })
})
