import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { TaskError } from '#libs/kernel'
import { makePortPolicy, type GiveUpEvent, type PortPolicyOptions, type RetryEvent } from '#libs/resilience'

const NEVER = new AbortController().signal
const unavailable = (retryAfterMs?: number) =>
  new TaskError('storage_unavailable', 'away', { retryable: true, ...(retryAfterMs !== undefined && { retryAfterMs }) })

function makePolicy(options: Partial<PortPolicyOptions> = {}) {
  const policy = makePortPolicy({
    name: 's3',
    attempts: 3,
    budgetMs: 10_000,
    initialDelayMs: 1,
    maxDelayMs: 4,
    random: () => 0.5,
    ...options,
  })
  const retries: RetryEvent[] = []
  const giveUps: GiveUpEvent[] = []
  policy.onRetry((event) => retries.push(event))
  policy.onGiveUp((event) => giveUps.push(event))
  return { policy, retries, giveUps }
}

/** Fails by these errors, one for each try, and then succeeds. */
function failing(...errors: Error[]) {
  return vi.fn<(attempt: number) => Promise<string>>(async (attempt) => {
    const error = errors[attempt - 1]
    if (error !== undefined) throw error
    return `try ${attempt}`
  })
}

describe('PortPolicy', () => {
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
    let nowMs = 0
    const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs }
    const { policy } = makePolicy({ attempts: 10, budgetMs: 100, clock })
    const work = vi.fn<() => Promise<never>>(async () => {
      nowMs += 60
      throw unavailable()
    })
    await expect(policy.execute(work, NEVER)).rejects.toMatchObject({ code: 'storage_unavailable' })
    expect(work).toHaveBeenCalledTimes(2)
  })

  it('ends a wait as soon as the signal aborts and does not try again', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { policy } = makePolicy({ initialDelayMs: 50, maxDelayMs: 50, random: () => 0.99 })
    const controller = new AbortController()
    const reason = new Error('stop')
    policy.onRetry(() => controller.abort(reason))
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

  it('uses the system clock and random numbers by default', async () => {
    const policy = makePortPolicy({ name: 's3', attempts: 2, budgetMs: 1_000, initialDelayMs: 2, maxDelayMs: 2 })
    await expect(policy.execute(failing(unavailable()), NEVER)).resolves.toBe('try 2')
  })
})
