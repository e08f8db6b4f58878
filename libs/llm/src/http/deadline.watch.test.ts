import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SystemClock } from '#libs/kernel'
import { DeadlineWatch } from './deadline.watch.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function makeCall(dueAtMs: number) {
  return { dueAtMs, expire: vi.fn<() => void>() }
}

describe(DeadlineWatch.name, () => {
  it('tells a call that its time is over, as the deadline stands then', () => {
    const watch = new DeadlineWatch(new SystemClock())
    const call = makeCall(watch.nowMs() + 100)
    watch.add(call)
    vi.advanceTimersByTime(90)
    call.dueAtMs += 100
    vi.advanceTimersByTime(100)
    expect(call.expire).not.toHaveBeenCalled()
    vi.advanceTimersByTime(50)
    expect(call.expire).toHaveBeenCalled()
  })

  it('has no timer while there are no calls', () => {
    const watch = new DeadlineWatch(new SystemClock())
    expect(vi.getTimerCount()).toBe(0)
    const call = makeCall(Infinity)
    watch.add(call)
    expect(vi.getTimerCount()).toBe(1)
    watch.remove(call)
    vi.advanceTimersByTime(50)
    expect(vi.getTimerCount()).toBe(0)
    watch.add(call)
    expect(vi.getTimerCount()).toBe(1)
  })
})
