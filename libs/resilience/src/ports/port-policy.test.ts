import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { SystemClock, TaskError, type Clock } from '#libs/kernel'
import { ManualClock } from '../testing/manual.clock.js'
import { recordEvents } from '../testing/record-events.js'
import { PortBreaker } from './port-breaker.js'
import { PortPolicy } from './port-policy.js'
import { ResilienceEvents } from './resilience.events.js'
import type { RetrySettings } from './retry-settings.js'

const NEVER = new AbortController().signal
const unavailable = (retryAfterMs?: number) =>
  new TaskError('storage_unavailable', 'away', { retryable: true, ...(retryAfterMs !== undefined && { retryAfterMs }) })

interface TestOptions extends Partial<RetrySettings> {
  readonly timeoutMs?: number
  /** Failures that open a breaker; none where left out. */
  readonly failures?: number
  readonly clock?: Clock
  readonly random?: () => number
}

function makePolicy({ timeoutMs, failures, clock = new SystemClock(), random = () => 0.5, ...retry }: TestOptions = {}) {
  const events = new ResilienceEvents()
  const recorded = recordEvents(events)
  const breaker =
    failures === undefined
      ? undefined
      : new PortBreaker({ port: 's3', settings: { failures, openMs: 1_000 }, isAway: () => true, events, clock })
  const policy = new PortPolicy({
    port: 's3',
    retry: { attempts: 3, budgetMs: 10_000, initialDelayMs: 1, maxDelayMs: 4, ...retry },
    ...(breaker && { breaker }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    events,
    clock,
    random,
  })
  return { policy, events, recorded, retries: recorded.retried, giveUps: recorded.gaveUp }
}

/** Fails by these errors, one for each try, and then succeeds. */
function failing(...errors: Error[]) {
  return vi.fn<(attempt: number) => Promise<string>>(async (attempt) => {
    const error = errors[attempt - 1]
    if (error !== undefined) throw error
    return `try ${attempt}`
  })
}

describe(PortPolicy.name, () => {
  it('gives the result of the first try that succeeds and tells of each retry', async () => {
    const { policy, retries, giveUps } = makePolicy({ initialDelayMs: 2 })
    await expect(policy.execute(failing(unavailable(), unavailable()), NEVER)).resolves.toBe('try 3')
    expect(retries).toMatchObject([
      { port: 's3', attempt: 2, delayMs: 1, error: { code: 'storage_unavailable' } },
      { port: 's3', attempt: 3, delayMs: 2 },
    ])
    expect(giveUps).toEqual([])
  })

  it('rejects with the last error when all tries have failed', async () => {
    const { policy, giveUps } = makePolicy()
    const last = unavailable()
    const work = failing(unavailable(), unavailable(), last)
    await expect(policy.execute(work, NEVER)).rejects.toBe(last)
    expect(work).toHaveBeenCalledTimes(3)
    expect(giveUps).toEqual([{ port: 's3', error: last }])
  })

  it('does not retry what is not marked retryable', async () => {
    const { policy, retries, giveUps } = makePolicy()
    const notFound = TaskError.invalid('file_not_found', 'no such file')
    const defect = new TypeError('a defect')
    await expect(policy.execute(failing(notFound), NEVER)).rejects.toBe(notFound)
    await expect(policy.execute(failing(defect), NEVER)).rejects.toBe(defect)
    expect(retries).toEqual([])
    expect(giveUps).toEqual([])
  })

  it('waits at least as long as the other side asked for', async () => {
    const { policy, retries } = makePolicy()
    await policy.execute(failing(unavailable(30)), NEVER)
    expect(retries[0]!.delayMs).toBe(30)
  })

  it('gives up at once when the other side asks for more time than the budget has', async () => {
    const { policy, retries, giveUps } = makePolicy({ budgetMs: 1_000 })
    await expect(policy.execute(failing(unavailable(60_000)), NEVER)).rejects.toMatchObject({ retryAfterMs: 60_000 })
    expect(retries).toEqual([])
    expect(giveUps).toHaveLength(1)
  })

  it('starts no try after its budget is used up', async () => {
    const clock = new ManualClock()
    const { policy } = makePolicy({ attempts: 10, budgetMs: 100, clock })
    const work = vi.fn<() => Promise<never>>(async () => {
      clock.advance(60)
      throw unavailable()
    })
    await expect(policy.execute(work, NEVER)).rejects.toMatchObject({ code: 'storage_unavailable' })
    expect(work).toHaveBeenCalledTimes(2)
  })

  it('ends a wait as soon as the signal aborts and does not try again', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { policy, events } = makePolicy({ initialDelayMs: 50, maxDelayMs: 50, random: () => 0.99 })
    const controller = new AbortController()
    const reason = new Error('stop')
    events.on('retried', () => controller.abort(reason))
    const work = failing(unavailable(), unavailable())
    await expect(policy.execute(work, controller.signal)).rejects.toBe(reason)
    await vi.advanceTimersByTimeAsync(100)
    expect(work).toHaveBeenCalledTimes(1)
  })

  it('does not start when the signal is already aborted', async () => {
    const { policy } = makePolicy()
    const reason = new Error('stopped before')
    const work = failing()
    await expect(policy.execute(work, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(work).not.toHaveBeenCalled()
  })

  it('does not retry an error that comes after the signal has aborted', async () => {
    const { policy, giveUps } = makePolicy()
    const controller = new AbortController()
    const work = vi.fn<() => Promise<never>>(async () => {
      controller.abort(new Error('stop'))
      throw unavailable()
    })
    await expect(policy.execute(work, controller.signal)).rejects.toThrow('stop')
    expect(work).toHaveBeenCalledTimes(1)
    expect(giveUps).toEqual([])
  })

  it('tries once where one attempt is allowed', async () => {
    const work = failing(unavailable())
    await expect(makePolicy({ attempts: 1 }).policy.execute(work, NEVER)).rejects.toMatchObject({ code: 'storage_unavailable' })
    expect(work).toHaveBeenCalledTimes(1)
  })

  it.each([
    [{ attempts: 0 }, 'retry.attempts must be a whole number from 1 (got 0)'],
    [{ budgetMs: -1 }, 'retry.budgetMs must be >= 0 (got -1)'],
    [{ initialDelayMs: Number.NaN }, 'retry.initialDelayMs must be >= 0 (got NaN)'],
    [{ initialDelayMs: 500, maxDelayMs: 100 }, 'retry.maxDelayMs must be >= retry.initialDelayMs (got 100 < 500)'],
  ])('refuses %o', (options, message) => {
    expect(() => makePolicy(options)).toThrow(message)
  })

  it('fails at once, with the time to come again, while its breaker is open', async () => {
    const clock = new ManualClock()
    const { policy, giveUps } = makePolicy({ failures: 3, clock })
    await expect(policy.execute(failing(unavailable(), unavailable(), unavailable()), NEVER)).rejects.toMatchObject({ message: 'away' })
    expect(giveUps).toHaveLength(1)
    clock.advance(400)
    const work = failing()
    await expect(policy.execute(work, NEVER)).rejects.toMatchObject({ code: 'storage_unavailable', retryable: true, retryAfterMs: 600 })
    expect(work).not.toHaveBeenCalled()
    expect(giveUps).toHaveLength(1)
  })

  it('ends the retries of a call whose failure opens the breaker', async () => {
    const { policy, retries } = makePolicy({ failures: 2, attempts: 10 })
    const work = failing(unavailable(), unavailable(), unavailable())
    await expect(policy.execute(work, NEVER)).rejects.toMatchObject({ code: 'storage_unavailable' })
    expect(work).toHaveBeenCalledTimes(2)
    expect(retries).toHaveLength(1)
  })

  it('ends a call that takes too long, aborts what it was doing, and tells so', async () => {
    const { policy, recorded } = makePolicy({ timeoutMs: 10 })
    let aborted = false
    const hanging = (_: number, signal: AbortSignal) => new Promise<never>(() => signal.addEventListener('abort', () => (aborted = true)))
    await expect(policy.execute(hanging, NEVER)).rejects.toMatchObject({
      code: 'storage_unavailable',
      retryable: true,
      message: 'a call of object storage was not over after 10 ms',
    })
    expect(aborted).toBe(true)
    expect(recorded.timedOut).toEqual([{ port: 's3', timeoutMs: 10 }])
    expect(recorded.gaveUp).toEqual([])
  })

  it('tells the reason of the signal, and no time limit, when the caller aborts a call with a limit', async () => {
    const { policy, recorded } = makePolicy({ timeoutMs: 60_000 })
    const controller = new AbortController()
    const reason = new Error('stop')
    const running = policy.execute(() => new Promise<never>(() => {}), controller.signal)
    controller.abort(reason)
    await expect(running).rejects.toBe(reason)
    expect(recorded.timedOut).toEqual([])
  })

  it('passes the result and the errors of a call that is over within its limit', async () => {
    const { policy } = makePolicy({ timeoutMs: 60_000 })
    await expect(policy.execute(failing(unavailable()), NEVER)).resolves.toBe('try 2')
    const final = TaskError.invalid('file_not_found', 'no such file')
    await expect(policy.execute(failing(final), NEVER)).rejects.toBe(final)
  })
})
