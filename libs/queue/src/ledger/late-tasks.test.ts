import { Logger } from '@nestjs/common'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { TaskError, type ClaimedTask } from '#libs/kernel'
import { makeClaimedTask } from '../../../../test/factories/claimed-task.factory.js'
import { FakeLedger } from '../../../../test/fakes/fake-ledger.js'
import { FakeWorkerLease } from '../../../../test/fakes/fake-worker.lease.js'
import { LateTasks } from './late-tasks.js'

function makeLateTasks() {
  const ledger = new FakeLedger()
  const lease = new FakeWorkerLease()
  const start = vi.fn<(tasks: readonly ClaimedTask[]) => void>()
  const late = new LateTasks({ ledger, lease, limit: 10, start })
  onTestFinished(() => late.stop())
  late.start()
  return { ledger, lease, start, late }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe(LateTasks.name, () => {
  it('looks each second and starts what is late', async () => {
    const { ledger, start } = makeLateTasks()
    const tasks = [makeClaimedTask({ attempt: null })]
    ledger.claimLate.mockResolvedValueOnce([]).mockResolvedValueOnce(tasks)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(start).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(start.mock.calls).toEqual([[tasks]])
    expect(ledger.claimLate.mock.calls).toEqual([[10], [10]])
  })

  it('does not look while a look is under way, nor while its lease is old', async () => {
    const { ledger, lease } = makeLateTasks()
    const look = Promise.withResolvers<ClaimedTask[]>()
    ledger.claimLate.mockReturnValueOnce(look.promise)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(ledger.claimLate).toHaveBeenCalledTimes(1)
    lease.isFresh = false
    look.resolve([])
    await vi.advanceTimersByTimeAsync(5_000)
    expect(ledger.claimLate).toHaveBeenCalledTimes(1)
  })

  it('looks again after a look that failed', async () => {
    const debug = vi.spyOn(Logger.prototype, 'debug').mockReturnValue()
    const { ledger, start } = makeLateTasks()
    ledger.claimLate.mockRejectedValueOnce(TaskError.unavailable('ledger_unavailable', 'away')).mockResolvedValueOnce([makeClaimedTask()])
    await vi.advanceTimersByTimeAsync(2_000)
    expect(debug).toHaveBeenCalledWith('late tasks could not be claimed', { error: expect.any(TaskError) })
    expect(start).toHaveBeenCalledTimes(1)
  })

  it('takes what a look under way brings when it is stopped, and looks no more', async () => {
    const { ledger, start, late } = makeLateTasks()
    const look = Promise.withResolvers<ClaimedTask[]>()
    ledger.claimLate.mockReturnValueOnce(look.promise)
    await vi.advanceTimersByTimeAsync(1_000)
    const stopped = late.stop()
    look.resolve([makeClaimedTask()])
    await stopped
    expect(start).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(ledger.claimLate).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})
