import { afterEach, describe, expect, it, vi } from 'vitest'
import { TaskContext, TaskError } from '#libs/kernel'
import { makeClaimedTask } from '../../../test/factories/claimed-task.factory.js'
import { makeTaskContext } from '../../../test/factories/task-context.factory.js'
import { FakeAdmission } from '../../../test/fakes/fake.admission.js'
import { FakeClock } from '../../../test/fakes/fake.clock.js'

/** The context of a task whose deadline is so far away, on fake timers. */
function makeDue(inMs: number) {
  vi.useFakeTimers()
  return makeTaskContext(makeClaimedTask({ attempt: null, deadlineMs: new FakeClock().nowMs() + inMs }))
}

describe(TaskContext.name, () => {
  it('tells the pipeline what is worked on, and takes over what the claim says', () => {
    const task = makeClaimedTask({
      taskId: 'a',
      run: 2,
      attempts: 3,
      attempt: { id: 'x', number: 4 },
      traceparent: 't',
      correlationId: 'c',
      deadlineMs: 5,
    })
    const { context } = makeTaskContext(task, { receivedAtMs: 7 })
    expect(context.subject).toEqual({ tenant: 'default', taskId: 'a', type: 'prompt', run: 2, attempt: 4, settingsVersion: 1 })
    expect(context).toMatchObject({
      transport: 'ledger',
      traceparent: 't',
      correlationId: 'c',
      deadlineMs: 5,
      attempts: 3,
      receivedAtMs: 7,
    })
    expect(context.attempt).toEqual({ id: 'x', number: 4 })
  })

  it('names no attempt while none is open', () => {
    expect(makeTaskContext(makeClaimedTask({ attempt: null })).context.subject).not.toHaveProperty('attempt')
  })

  it('releases the stream of a claimed attempt once, however often it is asked to', () => {
    const { context, streams } = makeTaskContext()
    context.releaseStream()
    context.releaseStream()
    expect(streams).toMatchObject({ released: 1, inUse: 0 })
  })

  it('acquires no second stream while it holds one', async () => {
    const { context, streams } = makeTaskContext()
    await context.acquireStream()
    expect(streams.inUse).toBe(1)
  })

  it('acquires a stream when it holds none, and releases that one', async () => {
    const { context, streams } = makeTaskContext(makeClaimedTask({ attempt: null }))
    context.releaseStream()
    expect(streams.released).toBe(0)
    await context.acquireStream()
    expect(streams.inUse).toBe(1)
    context.releaseStream()
    expect(streams.inUse).toBe(0)
  })

  it('holds no stream when waiting for one is aborted', async () => {
    const abort = new AbortController()
    const { context, streams } = makeTaskContext(makeClaimedTask({ attempt: null }), { signal: abort.signal })
    streams.take(streams.limit)
    const acquired = context.acquireStream()
    abort.abort(new Error('lease lost'))
    await expect(acquired).rejects.toThrow('lease lost')
    context.releaseStream()
    expect(streams.released).toBe(0)
  })

  it('allows a send while its lease is fresh, and refuses it when another worker may hold the task', () => {
    let isFresh = true
    const { signal } = new AbortController()
    const options = { admission: new FakeAdmission(), clock: new FakeClock(), signal, receivedAtMs: 0, isLeaseFresh: () => isFresh }
    const context = new TaskContext(makeClaimedTask({ attempt: null }), options)
    expect(() => context.checkMaySend()).not.toThrow()
    isFresh = false
    expect(() => context.checkMaySend()).toThrow(expect.objectContaining({ code: 'lease_lost', retryable: true }))
  })

  it('refuses a send while answers that wait to be stored leave no room for its own', () => {
    let hasRoom = true
    const { signal } = new AbortController()
    const options = { admission: new FakeAdmission(), clock: new FakeClock(), signal, receivedAtMs: 0, hasRoomForAnswers: () => hasRoom }
    const context = new TaskContext(makeClaimedTask({ attempt: null }), options)
    expect(() => context.checkMaySend()).not.toThrow()
    hasRoom = false
    expect(() => context.checkMaySend()).toThrow(expect.objectContaining({ code: 'ledger_unavailable', retryable: true }))
  })

  it('refuses a send with the reason of the abort, and knows no lease where it was told none', () => {
    const abort = new AbortController()
    const { context } = makeTaskContext(makeClaimedTask(), { signal: abort.signal })
    expect(() => context.checkMaySend()).not.toThrow()
    abort.abort(new Error('stopped'))
    expect(() => context.checkMaySend()).toThrow('stopped')
  })

  it('waits for a stream only until nothing may start any more, which is before its work is aborted', async () => {
    const stopping = new AbortController()
    const streams = new FakeAdmission(1)
    streams.take(1)
    const options = {
      admission: streams,
      clock: new FakeClock(),
      signal: new AbortController().signal,
      startSignal: stopping.signal,
      receivedAtMs: 0,
    }
    const acquired = new TaskContext(makeClaimedTask({ attempt: null }), options).acquireStream()
    stopping.abort(new Error('stopping'))
    await expect(acquired).rejects.toThrow('stopping')
  })

  describe('with a deadline', () => {
    const late = expect.objectContaining({ code: 'deadline_exceeded', retryable: false }) as TaskError

    afterEach(() => {
      vi.useRealTimers()
    })

    it('refuses a send when it has passed since the beginning', () => {
      const { context, clock } = makeDue(1_000)
      clock.advance(1_000)
      expect(() => context.checkMaySend()).not.toThrow()
      clock.advance(1)
      expect(() => context.checkMaySend()).toThrow(late)
    })

    it('does not wait for a stream beyond it', async () => {
      const { context, streams } = makeDue(1_000)
      streams.take(streams.limit)
      const [acquired] = await Promise.allSettled([context.acquireStream(), vi.advanceTimersByTimeAsync(1_000)])
      expect(acquired).toEqual({ status: 'rejected', reason: late })
      expect(vi.getTimerCount()).toBe(0)
    })

    it('starts no work after it', async () => {
      const { context, clock } = makeDue(1_000)
      clock.advance(1_001)
      const work = vi.fn<() => Promise<void>>()
      await expect(context.inTime(work)).rejects.toEqual(late)
      expect(work).not.toHaveBeenCalled()
    })

    it('leaves work that is over in time alone, and its errors as they are', async () => {
      const { context } = makeDue(1_000)
      await expect(context.inTime(() => Promise.resolve('read'))).resolves.toBe('read')
      await expect(context.inTime(() => Promise.reject(new Error('away')))).rejects.toThrow('away')
      expect(vi.getTimerCount()).toBe(0)
    })

    it('is waited for without a timer where it is further away than a timer can be', async () => {
      const { context } = makeDue(2 ** 31)
      await context.inTime((signal) => {
        expect(vi.getTimerCount()).toBe(0)
        return Promise.resolve(signal)
      })
    })
  })
})
