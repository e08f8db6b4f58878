import { describe, expect, it, vi } from 'vitest'
import { QueueEvents } from './queue.events.js'

describe(QueueEvents.name, () => {
  it('gives a failure to those who listen', () => {
    const events = new QueueEvents()
    const fatal = vi.fn<(error: Error) => void>()
    events.on('fatal', fatal)
    events.fail(new Error('refused'))
    expect(fatal).toHaveBeenCalledTimes(1)
  })

  it('throws a failure that nobody listens to, so that the process ends', () => {
    const immediate = vi.spyOn(globalThis, 'setImmediate').mockImplementation((work: () => void) => {
      expect(work).toThrow('refused')
      return undefined as unknown as NodeJS.Immediate
    })
    new QueueEvents().fail(new Error('refused'))
    expect(immediate).toHaveBeenCalledTimes(1)
    immediate.mockRestore()
  })
})
