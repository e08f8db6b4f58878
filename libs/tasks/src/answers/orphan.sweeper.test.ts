import { Logger } from '@nestjs/common'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TaskError, UnusedAnswers, type UnusedAnswer } from '#libs/kernel'
import { FakeFileStore } from '../../../../test/fakes/fake-file.store.js'
import { OrphanSweeper } from './orphan.sweeper.js'

const HOUR_MS = 3_600_000
const SETTINGS = { inlineAnswerBytes: 8, filesInHandBytes: 1, maxCrashes: 3 }
const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue()
const log = vi.spyOn(Logger.prototype, 'log').mockReturnValue()

beforeEach(() => {
  vi.useFakeTimers()
  warn.mockClear()
  log.mockClear()
})
afterEach(() => vi.useRealTimers())

const makeUnused = (taskNumber: number): UnusedAnswer => ({
  tenant: 'shop',
  acceptedOn: '2026-01-02',
  taskId: `t${taskNumber}`,
  taskNumber,
  run: 2,
})

function makeSweeper(...pages: UnusedAnswer[][]) {
  const list = vi.fn<UnusedAnswers['list']>(() => Promise.resolve(pages.shift() ?? []))
  const files = new FakeFileStore()
  files.removeAnswer.mockResolvedValue(true)
  const sweeper = new OrphanSweeper({ list }, files, SETTINGS)
  return { sweeper, list, files, queries: () => list.mock.calls.map(([{ withinMs, after }]) => [withinMs / HOUR_MS, after?.taskNumber]) }
}

describe(OrphanSweeper.name, () => {
  it('removes the objects of runs that have failed: of a day at first, then each hour of two hours', async () => {
    const { sweeper, files, queries } = makeSweeper([makeUnused(1)], [], [makeUnused(2)])
    files.removeAnswer.mockResolvedValueOnce(false)
    sweeper.start()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(files.removeAnswer.mock.calls.map(([name]) => name)).toEqual(['shop/2026-01-02/t1/2.txt'])
    expect(log).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(2 * HOUR_MS)
    expect(queries()).toEqual([
      [25, undefined],
      [2, undefined],
      [2, undefined],
    ])
    expect(log.mock.calls).toEqual([['objects of failed runs were removed', { removed: 1 }]])
    await sweeper.stop()
  })

  it('goes on from page to page', async () => {
    const { sweeper, files, queries } = makeSweeper(
      Array.from({ length: 500 }, (_, index) => makeUnused(index + 1)),
      [makeUnused(501)],
    )
    sweeper.start()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(queries()).toEqual([
      [25, undefined],
      [25, 500],
    ])
    expect(files.removeAnswer).toHaveBeenCalledTimes(501)
    await sweeper.stop()
  })

  it('looks for the same again a minute after a look that failed', async () => {
    const { sweeper, files, queries } = makeSweeper([makeUnused(1)], [makeUnused(1)])
    files.removeAnswer.mockRejectedValueOnce(TaskError.unavailable('storage_unavailable', 'away'))
    sweeper.start()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(warn).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(queries()).toEqual([
      [25, undefined],
      [25, undefined],
    ])
    await sweeper.stop()
  })

  it('waits for a look under way when it is stopped, and looks no more', async () => {
    const { sweeper, list, files } = makeSweeper([makeUnused(1)])
    files.removeAnswer.mockImplementation(
      (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    )
    sweeper.start()
    await vi.advanceTimersByTimeAsync(60_000)
    await sweeper.stop()
    await vi.advanceTimersByTimeAsync(2 * HOUR_MS)
    expect(list).toHaveBeenCalledTimes(1)
    expect(warn).not.toHaveBeenCalled()
  })
})
