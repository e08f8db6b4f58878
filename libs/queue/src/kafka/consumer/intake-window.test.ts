import { describe, expect, it, vi } from 'vitest'
import { IntakeWindow } from './intake-window.js'

describe(IntakeWindow.name, () => {
  it('has no room once its records are used up', () => {
    const window = new IntakeWindow({ maxRecords: 10, maxBytes: 1_000 }, () => undefined)
    window.take(9, 1)
    expect(window.hasRoom).toBe(true)
    window.take(1, 1)
    expect(window.hasRoom).toBe(false)
    expect([window.freeRecords, window.freeBytes]).toEqual([0, 998])
  })

  it('has no room once its bytes are used up, and never less than none after an overshoot', () => {
    const window = new IntakeWindow({ maxRecords: 10, maxBytes: 1_000 }, () => undefined)
    window.take(1, 5_000)
    expect(window.hasRoom).toBe(false)
    expect([window.freeRecords, window.freeBytes]).toEqual([9, 0])
  })

  it('tells of every return that leaves room, and of none that does not', () => {
    const onRoom = vi.fn<() => void>()
    const window = new IntakeWindow({ maxRecords: 10, maxBytes: 1_000 }, onRoom)
    window.take(12, 12)
    window.give(1, 1)
    expect(onRoom).not.toHaveBeenCalled()
    window.give(2, 2)
    window.give(1, 1)
    expect(onRoom).toHaveBeenCalledTimes(2)
    expect([window.records, window.bytes]).toEqual([8, 8])
  })
})
