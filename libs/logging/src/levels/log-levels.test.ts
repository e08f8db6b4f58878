import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { LogLevel } from '../logging.settings.js'
import { DebugSwitch } from './debug.switch.js'
import { LogLevels } from './log-levels.js'

const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
const MINUTE = 60_000

let levels: LogLevels
let lowest: LogLevel | undefined

beforeEach(() => {
  vi.useFakeTimers()
  levels = new LogLevels('info', clock)
  levels.onChange((level) => (lowest = level))
  return () => vi.useRealTimers()
})

const set = (scope: 'all' | 'module' | 'task_type' | 'task_id', name: string, level: LogLevel, minutes = 1) =>
  levels.set({ scope, name, level, untilMs: Date.now() + minutes * MINUTE })

describe(LogLevels.name, () => {
  it('lets through what LOG_LEVEL says where there are no rules', () => {
    expect(lowest).toBe('info')
    expect([levels.allows('info', {}), levels.allows('debug', {})]).toEqual([true, false])
  })

  it.each([
    ['all', '', {}],
    ['module', 'AdmissionLoop', { module: 'AdmissionLoop' }],
    ['task_type', 'summary', { module: 'TaskRunner', taskType: 'summary' }],
    ['task_id', 't-1', { taskId: 't-1' }],
  ] as const)('lets more through for %s %s, for a while and then no more', async (scope, name, subject) => {
    set(scope, name, 'trace')
    expect(lowest).toBe('trace')
    expect(levels.allows('trace', subject)).toBe(true)
    expect(levels.allows('debug', { module: 'Other', taskType: 'other', taskId: 't-2' })).toBe(scope === 'all')
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect(lowest).toBe('info')
    expect(levels.allows('debug', subject)).toBe(false)
    expect(levels.all).toEqual([])
  })

  it('takes the most special rule that fits', () => {
    set('all', '', 'warn')
    set('task_type', 'summary', 'debug')
    set('task_id', 'noisy', 'error')
    expect(levels.allows('info', {})).toBe(false)
    expect(levels.allows('debug', { taskType: 'summary', taskId: 't-1' })).toBe(true)
    expect(levels.allows('warn', { taskType: 'summary', taskId: 'noisy' })).toBe(false)
  })

  it('keeps the other rules when one is over, or removed', async () => {
    set('task_id', 'short', 'trace', 1)
    set('task_id', 'long', 'debug', 5)
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect(lowest).toBe('debug')
    expect(levels.clear({ scope: 'task_id', name: 'long' })).toBe(true)
    expect(levels.clear({ scope: 'task_id', name: 'long' })).toBe(false)
    expect(lowest).toBe('info')
  })

  it('bounds how many rules there are; another level of one that is there needs no room', () => {
    for (let index = 0; index < 100; index++) set('task_id', `t-${index}`, 'debug')
    expect(() => set('task_id', 'one-more', 'debug')).toThrow('there are 100 rules already')
    expect(() => set('task_id', 't-1', 'trace')).not.toThrow()
  })
})

describe(DebugSwitch.name, () => {
  it('logs everything at debug for a quarter of an hour, or until it is told again', async () => {
    const debug = new DebugSwitch(levels, clock)
    debug.toggle()
    expect(levels.allows('debug', {})).toBe(true)
    debug.toggle()
    expect(levels.allows('debug', {})).toBe(false)
    debug.toggle()
    await vi.advanceTimersByTimeAsync(15 * MINUTE)
    expect(levels.allows('debug', {})).toBe(false)
  })
})
