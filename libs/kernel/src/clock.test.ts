import { afterEach, describe, expect, it, vi } from 'vitest'
import { SystemClock } from '#libs/kernel'

afterEach(() => vi.useRealTimers())

describe(SystemClock.name, () => {
  it('gives the time of the system, and one that only goes on', () => {
    vi.useFakeTimers({ now: 1_700_000_000_000 })
    const clock = new SystemClock()
    const before = clock.monotonicMs()
    vi.advanceTimersByTime(250)
    expect(clock.nowMs()).toBe(1_700_000_000_250)
    expect(clock.monotonicMs() - before).toBe(250)
  })
})
