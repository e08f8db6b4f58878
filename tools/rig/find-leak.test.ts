import { describe, expect, it } from 'vitest'
import { findLeak } from './find-leak.js'

describe(findLeak.name, () => {
  it.each([
    '{"message":"sent","prompt":"[[task:t-1]] say something"}',
    '{"message":"Answer [[task:t-1]]: say something"}',
    '{"headers":{"authorization":"Bearer abcdefghijklmnop"}}',
  ])('finds %s', (line) => {
    expect(findLeak(`{"message":"started"}\n${line}\n`)).toBe(line)
  })

  it('finds nothing in ordinary lines', () => {
    expect(findLeak('{"message":"started","task_id":"t-1"}\n{"message":"the token was refused","bearer":"none"}\n')).toBeUndefined()
  })
})
