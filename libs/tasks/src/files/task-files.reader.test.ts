import { beforeEach, describe, expect, it } from 'vitest'
import { TaskError, type FileText } from '#libs/kernel'
import { FakeFileStore } from '../../../../test/fakes/fake-file.store.js'
import { FileBudget } from './file.budget.js'
import { TaskFilesReader, type NamedFileRequest } from './task-files.reader.js'

const { signal } = new AbortController()
const makeRequest = (name: string): NamedFileRequest => ({ name, key: `inputs/${name}`, allowedPrefixes: [], maxSizeBytes: 50 })
const makeFile = (key: string): FileText => ({ bucket: 'b', key, text: key, sizeBytes: 40, sha256: 'f', mediaType: 'text/plain' })

let store: FakeFileStore
let budget: FileBudget
let reader: TaskFilesReader

beforeEach(() => {
  store = new FakeFileStore()
  budget = new FileBudget({ filesInHandBytes: 100, inlineAnswerBytes: 0, maxCrashes: 5 })
  reader = new TaskFilesReader(store, budget)
  store.statText.mockResolvedValue(40)
  store.readText.mockImplementation(({ key }) => Promise.resolve(makeFile(key)))
})

describe(TaskFilesReader.name, () => {
  it('gives the files in their order, and their bytes back when it is told to', async () => {
    const inHand = await reader.read([makeRequest('a'), makeRequest('b')], signal)
    expect(inHand.files).toEqual([
      { ...makeFile('inputs/a'), name: 'a' },
      { ...makeFile('inputs/b'), name: 'b' },
    ])
    expect(budget.inHandBytes).toBe(80)
    inHand[Symbol.dispose]()
    expect(budget.inHandBytes).toBe(0)
  })

  it('reads nothing before there is room for all files of the task', async () => {
    const first = await reader.read([makeRequest('a'), makeRequest('b')], signal)
    const second = reader.read([makeRequest('c')], signal)
    await expect.poll(() => store.statText.mock.calls.length).toBe(3)
    expect(store.readText).toHaveBeenCalledTimes(2)
    first[Symbol.dispose]()
    await second
    expect(store.readText).toHaveBeenCalledTimes(3)
  })

  it('holds nothing when a file cannot be read', async () => {
    store.readText.mockRejectedValue(TaskError.unavailable('storage_unavailable', 'away'))
    await expect(reader.read([makeRequest('a')], signal)).rejects.toMatchObject({ code: 'storage_unavailable' })
    expect(budget.inHandBytes).toBe(0)
  })

  it('reads nothing of a task one of whose files is refused by its size', async () => {
    store.statText.mockRejectedValueOnce(TaskError.invalid('file_too_large', 'large'))
    await expect(reader.read([makeRequest('a'), makeRequest('b')], signal)).rejects.toMatchObject({ code: 'file_too_large' })
    expect(store.readText).not.toHaveBeenCalled()
  })
})
