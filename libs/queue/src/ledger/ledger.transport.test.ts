import { Logger } from '@nestjs/common'
import type { MessageHandler } from '@nestjs/microservices'
import { defer, throwError } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TASK_PATTERN, TaskClaim, TaskContext, TaskError, type ClaimedTask } from '#libs/kernel'
import { makeClaimedTask } from '../../../../test/factories/claimed-task.factory.js'
import { FakeLedger } from '../../../../test/fakes/fake-ledger.js'
import { FakeAdmission } from '../../../../test/fakes/fake.admission.js'
import { FakeWorkerLease } from '../../../../test/fakes/fake-worker.lease.js'
import { FakeClock } from '../../../../test/fakes/fake.clock.js'
import { LedgerTransport, type LedgerTransportOptions } from './ledger.transport.js'

const POLL_MS = 500
const GRACE_MS = 60_000

const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue()
vi.spyOn(Logger.prototype, 'debug').mockReturnValue()
const logError = vi.spyOn(Logger.prototype, 'error').mockReturnValue()

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
  warn.mockClear()
  logError.mockClear()
})
afterEach(() => {
  vi.useRealTimers()
})

interface Running {
  readonly context: TaskContext
  readonly end: PromiseWithResolvers<void>
}

/** A transport whose ledger has these tasks due, and whose handler ends each when the test says so. */
function makeTransport({
  limit = 2,
  due = [],
  ...options
}: Partial<LedgerTransportOptions> & { limit?: number; due?: ClaimedTask[] } = {}) {
  const ledger = new FakeLedger()
  const streams = new FakeAdmission(limit)
  const lease = new FakeWorkerLease()
  const running: Running[] = []
  ledger.claim.mockImplementation((room) => Promise.resolve(due.splice(0, room.tasks)))
  ledger.claimLate.mockResolvedValue([])
  const transport = new LedgerTransport({
    ledger,
    lease,
    admission: streams,
    clock: new FakeClock(42),
    claimBatch: 100,
    spareTasks: 100,
    inHandBytes: 1_000_000,
    pollIntervalMs: POLL_MS,
    graceMs: GRACE_MS,
    ...options,
  })
  const handle = vi.fn<MessageHandler>((claim: TaskClaim) =>
    Promise.resolve(
      defer(() =>
        claim.run((context) => {
          const end = Promise.withResolvers<void>()
          running.push({ context, end })
          return end.promise
        }),
      ),
    ),
  )
  transport.addHandler(TASK_PATTERN, handle, true)
  return { transport, ledger, streams, lease, running, due, handle, rooms: () => ledger.claim.mock.calls.map(([room]) => room.tasks) }
}

type Transport = ReturnType<typeof makeTransport>

/** Lets everything happen that needs no time. */
const settle = () => vi.advanceTimersByTimeAsync(0)

async function listen({ transport }: Transport): Promise<unknown> {
  const called = vi.fn<(error?: unknown) => void>()
  transport.listen(called)
  await settle()
  expect(called).toHaveBeenCalledTimes(1)
  return called.mock.calls[0]![0]
}

async function started(options: Parameters<typeof makeTransport>[0] = {}): Promise<Transport> {
  const made = makeTransport(options)
  expect(await listen(made)).toBeUndefined()
  return made
}

async function endTask({ running }: Transport, index: number): Promise<void> {
  running[index]!.end.resolve()
  await settle()
}

async function close(made: Transport): Promise<void> {
  const closed = made.transport.close()
  for (const call of made.running) call.end.resolve()
  await closed
}

const makeTasks = (count: number, fields: Partial<ClaimedTask> = {}) => Array.from({ length: count }, () => makeClaimedTask(fields))
const makeUnopened = (count: number) => makeTasks(count, { attempt: null, hasFiles: true })

describe(LedgerTransport.name, () => {
  it('answers listen with an error, and claims nothing, without a handler', async () => {
    const made = makeTransport()
    made.transport.getHandlers().clear()
    expect(await listen(made)).toMatchObject({ message: 'no handler is registered for the pattern "task" of the ledger transport' })
    expect(made.ledger.claim).not.toHaveBeenCalled()
    await made.transport.close()
  })

  it('hands each claim to the handler, with a context for each of its tasks, which end one by one', async () => {
    const [first, second] = makeTasks(2) as [ClaimedTask, ClaimedTask]
    const made = await started({ due: [first, second] })
    expect(made.handle).toHaveBeenCalledTimes(1)
    expect(made.running.map(({ context }) => context.task)).toEqual([first, second])
    expect(made.running[0]!.context).toBeInstanceOf(TaskContext)
    expect(made.running[0]!.context.receivedAtMs).toBe(42)
    expect(made.transport.inHand).toBe(2)
    await endTask(made, 0)
    expect(made.transport.inHand).toBe(1)
    await endTask(made, 1)
    expect(made.transport.inHand).toBe(0)
    await close(made)
  })

  it('does not wait for the slowest task of a claim before it claims again', async () => {
    const made = await started({ limit: 2, due: makeTasks(4) })
    await endTask(made, 1)
    expect(made.rooms()).toEqual([2, 1])
    expect(made.running).toHaveLength(3)
    await close(made)
  })

  it('claims no more than there are free streams', async () => {
    const made = await started({ limit: 3, due: makeTasks(5) })
    expect(made.rooms()).toEqual([3])
    expect(made.running).toHaveLength(3)
    expect(made.streams.inUse).toBe(3)
    await close(made)
  })

  it('claims nothing, not at accept either, while its lease is so old that all of it would come back unsent', async () => {
    const made = await started()
    made.lease.isFresh = false
    made.due.push(...makeTasks(1))
    made.streams.notice()
    await vi.advanceTimersByTimeAsync(10 * POLL_MS)
    const claimsBefore = made.rooms().length
    await vi.advanceTimersByTimeAsync(10 * POLL_MS)
    expect(made.rooms()).toHaveLength(claimsBefore)
    expect(made.ledger.claimer!.takeRoomFor(makeTasks(1)).tasks).toBe(0)
    expect(made.running).toHaveLength(0)
    made.lease.isFresh = true
    await vi.advanceTimersByTimeAsync(POLL_MS)
    expect(made.running).toHaveLength(1)
    await endTask(made, 0)
    await close(made)
  })

  it('claims nothing while answers that wait to be stored leave no room for more, and again when one of their tasks has ended', async () => {
    const made = await started({ limit: 2, due: makeTasks(3) })
    made.ledger.hasRoomForAnswers = false
    expect(() => made.running[1]!.context.checkMaySend()).toThrow(expect.objectContaining({ code: 'ledger_unavailable' }))
    await endTask(made, 0)
    expect([made.rooms(), made.streams.isClaiming]).toEqual([[2], false])
    made.ledger.hasRoomForAnswers = true
    await endTask(made, 1)
    expect([made.rooms(), made.streams.isClaiming]).toEqual([[2, 2], true])
    await close(made)
  })

  it('lets one claim of eight go by the time that tasks have been due', async () => {
    const made = await started({ limit: 1, due: makeTasks(17) })
    for (let index = 0; index < 16; index++) await endTask(made, index)
    expect(made.ledger.claim.mock.calls.flatMap(([room], index) => (room.oldestFirst ? [index + 1] : []))).toEqual([8, 16])
    await close(made)
  })

  it('claims no more at once than its batch', async () => {
    const made = await started({ limit: 10, claimBatch: 4, due: makeTasks(10) })
    expect(made.rooms()).toEqual([4, 4, 2])
    await close(made)
  })

  it('has no more in hand than the streams and the spare tasks', async () => {
    const made = await started({ limit: 2, spareTasks: 3, due: makeUnopened(20) })
    expect(made.running).toHaveLength(5)
    expect(made.streams.inUse).toBe(0)
    await endTask(made, 0)
    expect(made.running).toHaveLength(6)
    await close(made)
  })

  it('has no more in hand than fits into its memory', async () => {
    const due = makeTasks(20, { payload: 'x'.repeat(5) })
    const made = await started({ limit: 20, claimBatch: 4, inHandBytes: 80, due })
    expect([made.transport.inHand, made.rooms()]).toEqual([8, [4, 4]])
    await endTask(made, 0)
    expect([made.transport.inHand, made.rooms()]).toEqual([8, [4, 4, 1]])
    await close(made)
  })

  it('gives the streams back that a claim did not use: too few tasks, or tasks without an open attempt', async () => {
    const made = await started({ limit: 5, due: [...makeTasks(1), ...makeUnopened(2)] })
    expect(made.rooms()).toEqual([5])
    expect(made.streams.inUse).toBe(1)
    await close(made)
  })

  it('claims again as soon as a stream is free when more may be due', async () => {
    const made = await started({ limit: 1, due: makeTasks(2) })
    expect(made.running).toHaveLength(1)
    made.running[0]!.context.releaseStream()
    await settle()
    expect(made.running).toHaveLength(2)
    await close(made)
  })

  describe('tasks that are claimed when they are accepted', () => {
    it('are given room only while nothing that is due waits for a claim', async () => {
      const made = await started({ limit: 3, due: makeTasks(4) })
      const claimer = made.ledger.claimer!
      // Three run and more may be due.
      made.running[0]!.context.releaseStream()
      expect(claimer.takeRoomFor(makeTasks(5)).tasks).toBe(0)
      await settle()
      made.running.forEach(({ context }) => context.releaseStream())
      await settle()
      const room = claimer.takeRoomFor(makeTasks(5))
      expect(room.tasks).toBe(3)
      expect(claimer.takeRoomFor(makeTasks(5)).tasks).toBe(0)
      claimer.start(room, [])
      expect(made.streams.inUse).toBe(0)
      made.streams.notice()
      expect(claimer.takeRoomFor(makeTasks(5)).tasks).toBe(0)
      await close(made)
    })

    it('run like any other, and the streams that they do not use go back', async () => {
      const made = await started({ limit: 5 })
      const claimer = made.ledger.claimer!
      claimer.start(claimer.takeRoomFor(makeTasks(5)), makeTasks(2))
      await settle()
      expect(made.running).toHaveLength(2)
      expect(made.streams.inUse).toBe(2)
      await endTask(made, 0)
      await endTask(made, 1)
      expect(made.transport.inHand).toBe(0)
      await close(made)
    })

    it('are waited for when they come during a stop, and none comes after it', async () => {
      const made = await started({ limit: 5 })
      const claimer = made.ledger.claimer!
      const underWay = Promise.withResolvers<void>()
      made.ledger.instantUnderWay = underWay.promise
      const room = claimer.takeRoomFor(makeTasks(1))
      const closed = vi.fn<() => void>()
      const closing = made.transport.close().then(closed)
      expect(made.ledger.claimer).toBeUndefined()
      claimer.start(room, makeTasks(1))
      underWay.resolve()
      await settle()
      expect(closed).not.toHaveBeenCalled()
      await endTask(made, 0)
      await closing
    })
  })

  it('releases the stream of a task whose handler did not', async () => {
    const made = await started({ due: makeTasks(1) })
    await endTask(made, 0)
    expect(made.streams.inUse).toBe(0)
    await close(made)
  })

  it('claims nothing at the end of a task while nothing is due', async () => {
    const made = await started({ due: makeTasks(1) })
    await endTask(made, 0)
    expect(made.rooms()).toHaveLength(1)
    await close(made)
  })

  it('claims at once when tasks become due', async () => {
    const made = await started()
    made.due.push(...makeTasks(1))
    made.streams.notice()
    await settle()
    expect(made.running).toHaveLength(1)
    await close(made)
  })

  it('claims once more when tasks become due while a claim is under way', async () => {
    const made = makeTransport()
    let answer!: (tasks: ClaimedTask[]) => void
    made.ledger.claim.mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)))
    await listen(made)
    made.due.push(...makeTasks(1))
    made.streams.notice()
    await settle()
    expect(made.rooms()).toHaveLength(1)
    answer([])
    await settle()
    expect(made.running).toHaveLength(1)
    await close(made)
  })

  it('gives all streams back when a claim fails, waits longer each time, and starts anew after a success', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(1)
    const made = makeTransport({ limit: 3 })
    const error = new Error('PostgreSQL is away')
    made.ledger.claim.mockRejectedValue(error)
    await listen(made)
    expect(warn).toHaveBeenCalledWith('tasks could not be claimed', { error })
    expect(made.streams.inUse).toBe(0)
    const waits: number[] = []
    for (let times = 0; times < 8; times++) {
      const before = Date.now()
      const calls = made.rooms().length
      while (made.rooms().length === calls) await vi.advanceTimersByTimeAsync(100)
      waits.push(Date.now() - before)
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
    made.ledger.claim.mockResolvedValueOnce([])
    await vi.advanceTimersByTimeAsync(5_000)
    const calls = made.rooms().length
    made.streams.notice()
    await vi.advanceTimersByTimeAsync(100)
    expect(made.rooms().length).toBe(calls + 2)
    await close(made)
    random.mockRestore()
  })

  it('does not claim before the breaker of PostgreSQL lets calls through', async () => {
    const made = makeTransport()
    const refused = new TaskError('ledger_unavailable', 'PostgreSQL is away', { retryable: true, retryAfterMs: 20_000 })
    made.ledger.claim.mockRejectedValueOnce(refused)
    await listen(made)
    await vi.advanceTimersByTimeAsync(19_999)
    expect(made.ledger.claim).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(made.ledger.claim).toHaveBeenCalledTimes(2)
    await close(made)
  })

  it('does not claim earlier after a failure because tasks become due', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(1)
    const made = makeTransport()
    made.ledger.claim.mockRejectedValueOnce(new Error('away'))
    await listen(made)
    made.streams.notice()
    await settle()
    expect(made.rooms()).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(100)
    expect(made.rooms()).toHaveLength(2)
    await close(made)
    random.mockRestore()
  })

  it('logs a task whose outcome could not be stored, and not the others of its claim', async () => {
    const made = await started({ due: [...makeTasks(1, { taskId: 'a' }), ...makeTasks(1, { taskId: 'b' })] })
    made.running[0]!.end.reject(new Error('not stored'))
    await endTask(made, 1)
    expect(logError.mock.calls).toEqual([['the outcome of a task could not be stored', { error: expect.any(Error), task_id: 'a' }]])
    expect(made.transport.inHand).toBe(0)
    expect(made.streams.inUse).toBe(0)
    await close(made)
  })

  it.each([
    ['its Observable fails', () => Promise.resolve(throwError(() => new Error('a defect')))],
    ['it rejects', () => Promise.reject(new Error('a defect'))],
    ['it answers without having run them', () => Promise.resolve('done' as never)],
  ])('logs the tasks of a handler that did not run them, and goes on, when %s', async (_, answer) => {
    const made = makeTransport({ due: makeTasks(1, { taskId: 'a' }) })
    made.handle.mockImplementationOnce(answer)
    await listen(made)
    expect(logError).toHaveBeenCalledWith('the outcome of a task could not be stored', { error: expect.any(Error), task_id: 'a' })
    expect(made.streams.inUse).toBe(0)
    expect(made.transport.inHand).toBe(0)
    await close(made)
  })

  describe('close', () => {
    it('claims nothing more, waits for what runs, and listens to nobody any more', async () => {
      const made = await started({ limit: 1, due: makeTasks(3) })
      const closed = vi.fn<() => void>()
      const closing = made.transport.close().then(closed)
      expect(made.streams.isClaiming).toBe(false)
      await vi.advanceTimersByTimeAsync(GRACE_MS - 1)
      expect(closed).not.toHaveBeenCalled()
      await endTask(made, 0)
      await closing
      expect(made.rooms()).toEqual([1])
      expect(made.streams.listenerCount).toBe(0)
      expect(made.running[0]!.context.signal.aborted).toBe(false)
    })

    it('leaves no timer behind when everything has ended', async () => {
      const made = await started({ due: makeTasks(1) })
      await close(made)
      expect(vi.getTimerCount()).toBe(0)
    })

    it('dispatches what a claim under way brings, and waits for it', async () => {
      const made = makeTransport()
      let answer!: (tasks: ClaimedTask[]) => void
      made.ledger.claim.mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)))
      await listen(made)
      const closed = vi.fn<() => void>()
      const closing = made.transport.close().then(closed)
      answer(makeTasks(1))
      await settle()
      expect(made.running).toHaveLength(1)
      expect(closed).not.toHaveBeenCalled()
      await endTask(made, 0)
      await closing
    })

    it('aborts the calls that still run after the grace period, with the reason shutdown', async () => {
      const made = await started({ due: makeTasks(2) })
      const closing = made.transport.close()
      await vi.advanceTimersByTimeAsync(GRACE_MS)
      expect(made.running.map(({ context }) => context.signal.reason as TaskError)).toMatchObject([
        { code: 'shutdown', retryable: true },
        { code: 'shutdown', retryable: true },
      ])
      expect(warn).toHaveBeenCalledWith('running calls are aborted', { tasks: 2 })
      await endTask(made, 0)
      await endTask(made, 1)
      await closing
    })

    it('gives up ten seconds after the abort when the ends cannot be stored', async () => {
      const made = await started({ due: makeTasks(1) })
      const closed = vi.fn<() => void>()
      const closing = made.transport.close().then(closed)
      await vi.advanceTimersByTimeAsync(GRACE_MS + 9_999)
      expect(closed).not.toHaveBeenCalled()
      await vi.advanceTimersByTimeAsync(1)
      await closing
      expect(made.transport.inHand).toBe(1)
    })

    it('gives up ten seconds after its start when the calls were aborted before', async () => {
      const made = await started({ due: makeTasks(1) })
      made.transport.abortRunning()
      const closing = made.transport.close()
      await vi.advanceTimersByTimeAsync(10_000)
      await closing
      expect(made.transport.inHand).toBe(1)
    })

    it('lets no task start a call that waits for a stream, and aborts none that runs', async () => {
      const made = await started({ limit: 1, due: makeUnopened(1) })
      const { context } = made.running[0]!
      made.streams.take(1)
      const acquired = context.acquireStream()
      const closing = close(made)
      await expect(acquired).rejects.toMatchObject({ code: 'shutdown', retryable: true })
      expect(context.signal.aborted).toBe(false)
      await closing
    })

    it('is the same when it is called again', async () => {
      const made = await started()
      expect(made.transport.close()).toBe(made.transport.close())
      await made.transport.close()
    })

    it('ends a wait after a failed claim', async () => {
      const made = makeTransport()
      made.ledger.claim.mockRejectedValue(new Error('away'))
      await listen(made)
      await made.transport.close()
      expect(vi.getTimerCount()).toBe(0)
    })

    it('ends at once when it never listened', async () => {
      await expect(makeTransport().transport.close()).resolves.toBeUndefined()
    })
  })

  it('aborts what runs once, and nothing when nothing runs', async () => {
    const made = await started({ due: makeTasks(1) })
    made.transport.abortRunning()
    made.transport.abortRunning()
    expect(made.running[0]!.context.signal.aborted).toBe(true)
    expect(warn).toHaveBeenCalledTimes(1)
    await close(made)
    const idle = await started()
    idle.transport.abortRunning()
    expect(warn).toHaveBeenCalledTimes(1)
    await close(idle)
  })

  it('aborts only the tasks of a lease that is lost', async () => {
    const made = await started({ limit: 2, due: makeTasks(1) })
    const reason = TaskError.unavailable('lease_lost', 'reaped')
    made.lease.lose(reason)
    made.due.push(...makeTasks(1))
    made.streams.notice()
    await settle()
    expect(made.running.map(({ context }) => context.signal.aborted)).toEqual([true, false])
    expect(made.running[0]!.context.signal.reason).toBe(reason)
    await close(made)
  })

  it.each([
    ['has not been renewed', { isFresh: false }],
    ['is another than the one of the claim', { fence: 2 }],
    ['is not held', { fence: null }],
  ])('allows no task a send while the lease %s', async (_, state) => {
    const made = await started({ due: makeTasks(1, { leaseId: 1 }) })
    const { context } = made.running[0]!
    expect(() => context.checkMaySend()).not.toThrow()
    Object.assign(made.lease, state)
    expect(() => context.checkMaySend()).toThrow(expect.objectContaining({ code: 'lease_lost' }))
    await close(made)
  })

  it('gives the tasks of one lease one signal', async () => {
    const made = await started({ due: makeTasks(2) })
    expect(made.running[0]!.context.signal).toBe(made.running[1]!.context.signal)
    await close(made)
  })

  it('has neither events nor a client to give away', () => {
    const { transport } = makeTransport()
    expect(() => transport.on()).toThrow(/events/)
    expect(() => transport.unwrap()).toThrow(/client/)
  })
})
