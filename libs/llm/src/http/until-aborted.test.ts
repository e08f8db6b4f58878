import { describe, expect, it } from 'vitest'
import { TaskError } from '#libs/kernel'
import { untilAborted } from './until-aborted.js'

const shutdown = TaskError.unavailable('shutdown', 'stopping')

describe(untilAborted.name, () => {
  it('gives what it waits for', async () => {
    await expect(untilAborted(Promise.resolve(1), new AbortController().signal)).resolves.toBe(1)
    await expect(untilAborted(Promise.reject(new Error('x')), new AbortController().signal)).rejects.toThrow('x')
  })

  it('rejects with the reason when it is aborted while it waits', async () => {
    const abort = new AbortController()
    const waiting = untilAborted(new Promise(() => undefined), abort.signal)
    abort.abort(shutdown)
    await expect(waiting).rejects.toBe(shutdown)
  })

  it('rejects at once when it was aborted before, and leaves no unhandled rejection', async () => {
    await expect(untilAborted(Promise.reject(new Error('x')), AbortSignal.abort())).rejects.toMatchObject({
      code: 'cancelled',
      retryable: true,
    })
  })
})
