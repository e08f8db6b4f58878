import { describe, expect, it, vi } from 'vitest'
import { TaskError } from '#libs/kernel'
import { ManualClock } from '../testing/manual.clock.js'
import { recordEvents } from '../testing/record-events.js'
import { isRefusedByBreaker, PortBreaker } from './port-breaker.js'
import { ResilienceEvents } from './resilience.events.js'

const away = () => new Error('away')
const refusal = () => new Error('no such key')
const isAway = (error: unknown) => error instanceof Error && error.message === 'away'
const answer = () => Promise.resolve('answer')

async function throwLater(error: Error): Promise<never> {
  throw error
}

function makeBreaker({ failures = 2, openMs = 1_000 } = {}) {
  const clock = new ManualClock()
  const events = new ResilienceEvents()
  const recorded = recordEvents(events)
  const breaker = new PortBreaker({ port: 's3', settings: { failures, openMs }, isAway, events, clock })
  /** Ends as the error says. */
  const fail = async (error: Error) => {
    await expect(breaker.execute(() => throwLater(error))).rejects.toBe(error)
  }
  const open = async () => {
    for (let failure = 0; failure < failures; failure++) await fail(away())
  }
  return { breaker, clock, recorded, fail, open }
}

/** A call that ends when the test says so. */
function makeCall() {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  return { work: vi.fn<() => Promise<string>>(() => promise), resolve, reject }
}

describe(PortBreaker.name, () => {
  it('passes results and errors while it is closed', async () => {
    const { breaker, fail } = makeBreaker()
    await expect(breaker.execute(answer)).resolves.toBe('answer')
    await fail(away())
    expect(breaker.refuses).toBe(false)
  })

  it('opens after failures in a row that say that the server is away, and then lets no call through', async () => {
    const { breaker, recorded, clock, open } = makeBreaker({ failures: 3 })
    await open()
    expect(recorded.breakerOpened).toMatchObject([{ port: 's3', openMs: 1_000, again: false, error: { message: 'away' } }])
    clock.advance(300)
    const { work } = makeCall()
    const refused: unknown = await breaker.execute(work).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'storage_unavailable', retryable: true, retryAfterMs: 700 })
    expect(isRefusedByBreaker(refused)).toBe(true)
    expect(work).not.toHaveBeenCalled()
  })

  it('takes what the server refuses for a sign of life', async () => {
    const { breaker, fail, recorded } = makeBreaker()
    for (let round = 0; round < 5; round++) {
      await fail(away())
      await fail(refusal())
    }
    expect(breaker.refuses).toBe(false)
    expect(recorded.breakerOpened).toEqual([])
  })

  it('starts to count anew after a success', async () => {
    const { breaker, fail } = makeBreaker()
    await fail(away())
    await breaker.execute(answer)
    await fail(away())
    expect(breaker.refuses).toBe(false)
  })

  it('lets one probe through when its time is over, refuses the others meanwhile, and closes by the answer', async () => {
    const { breaker, clock, open, recorded } = makeBreaker()
    await open()
    clock.advance(1_000)
    const [probe, other] = [makeCall(), makeCall()]
    const probing = breaker.execute(probe.work)
    await expect(breaker.execute(other.work)).rejects.toMatchObject({ retryAfterMs: 1_000 })
    expect(other.work).not.toHaveBeenCalled()
    expect(recorded.breakerHalfOpened).toEqual([{ port: 's3' }])
    clock.advance(50)
    probe.resolve('answer')
    await expect(probing).resolves.toBe('answer')
    expect(recorded.breakerClosed).toEqual([{ port: 's3', awayMs: 1_050 }])
    await expect(breaker.execute(answer)).resolves.toBe('answer')
  })

  it('closes also when the probe is refused', async () => {
    const { breaker, clock, open, fail } = makeBreaker()
    await open()
    clock.advance(1_000)
    await fail(refusal())
    expect(breaker.refuses).toBe(false)
  })

  it('opens again, and says that it is not the first time, when the probe fails', async () => {
    const { breaker, clock, open, fail, recorded } = makeBreaker()
    await open()
    clock.advance(1_000)
    await fail(away())
    expect(breaker.refuses).toBe(true)
    expect(recorded.breakerOpened.map(({ again }) => again)).toEqual([false, true])
    clock.advance(999)
    expect(breaker.refuses).toBe(true)
    clock.advance(1)
    await breaker.execute(answer)
    expect(recorded.breakerClosed).toEqual([{ port: 's3', awayMs: 2_000 }])
  })

  it('opens again when the probe is aborted, since nobody knows what it would have found', async () => {
    const { breaker, clock, open } = makeBreaker()
    await open()
    clock.advance(1_000)
    const reason = new Error('stop')
    await expect(breaker.execute(() => Promise.reject(reason), AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(breaker.refuses).toBe(true)
  })

  it('counts an aborted call neither as a failure nor as a success', async () => {
    const { breaker, fail } = makeBreaker()
    await fail(away())
    await expect(breaker.execute(() => Promise.reject(away()), AbortSignal.abort())).rejects.toThrow('away')
    expect(breaker.refuses).toBe(false)
    await fail(away())
    expect(breaker.refuses).toBe(true)
  })

  it('is open for as long as its settings say when the wall clock is set back', async () => {
    vi.useFakeTimers({ now: 1_000_000_000 })
    try {
      const { breaker, clock, open } = makeBreaker()
      await open()
      vi.setSystemTime(0)
      clock.advance(1_000)
      await expect(breaker.execute(answer)).resolves.toBe('answer')
    } finally {
      vi.useRealTimers()
    }
  })

  it.each([
    [{ failures: 0 }, 'breaker.failures must be a whole number from 1 (got 0)'],
    [{ openMs: 0 }, 'breaker.openMs must be > 0 (got 0)'],
  ])('refuses %o', (settings, message) => {
    expect(() => makeBreaker(settings)).toThrow(message)
  })
})

describe(isRefusedByBreaker.name, () => {
  it('tells a call that was not made from one that failed', () => {
    expect(isRefusedByBreaker(TaskError.unavailable('storage_unavailable', 'away'))).toBe(false)
    expect(isRefusedByBreaker(away())).toBe(false)
  })
})
