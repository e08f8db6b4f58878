import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { waitMs } from './wait-ms.js'

describe(waitMs.name, () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('waits as long as it is told', async () => {
    let isOver = false
    void waitMs(100).then(() => (isOver = true))
    await vi.advanceTimersByTimeAsync(99)
    expect(isOver).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(isOver).toBe(true)
  })

  it('ends at once, and leaves no timer, when its signal aborts or has aborted', async () => {
    const controller = new AbortController()
    const waiting = waitMs(100, controller.signal)
    controller.abort()
    await waiting
    await waitMs(100, controller.signal)
    expect(vi.getTimerCount()).toBe(0)
  })
})
