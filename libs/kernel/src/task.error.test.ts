import { describe, expect, it } from 'vitest'
import { TaskError } from '#libs/kernel'

describe(TaskError.name, () => {
  it('is final when the task is invalid, with details for a person', () => {
    const error = TaskError.invalid('file_too_large', 'too large', { sizeBytes: 5 })
    expect(error).toMatchObject({
      name: 'TaskError',
      code: 'file_too_large',
      message: 'too large',
      retryable: false,
      details: { sizeBytes: 5 },
    })
    expect(TaskError.invalid('tombstone', 'none').details).toEqual({})
  })

  it('is retryable when something is unavailable, and keeps the cause', () => {
    const cause = new Error('ECONNREFUSED')
    expect(TaskError.unavailable('storage_unavailable', 'away', cause)).toMatchObject({ retryable: true, cause, retryAfterMs: undefined })
  })

  it('has no cause of its own when none is given', () => {
    expect(Object.hasOwn(TaskError.unavailable('shutdown', 'stopped'), 'cause')).toBe(false)
  })

  it('keeps how long the other side asked to wait', () => {
    expect(new TaskError('llm_rate_limited', 'slow down', { retryable: true, retryAfterMs: 2_000 }).retryAfterMs).toBe(2_000)
  })
})
