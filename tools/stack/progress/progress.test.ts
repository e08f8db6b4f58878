import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { formatProgress } from './progress.printer.js'
import { PartProgress } from './progress.js'
import type { ProgressEvent } from './progress.js'

const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

describe(PartProgress.name, () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('beats every 15 s while a step takes long, and says how far it is', async () => {
    const events: ProgressEvent[] = []
    const progress = new PartProgress('MinIO', (event) => events.push(event))
    const step = progress.step('building', () => delay(40_000), { hint: 'once', detail: () => Promise.resolve('12 packages') })
    await vi.advanceTimersByTimeAsync(40_000)
    await step
    expect(events.map(formatProgress)).toEqual([
      'MinIO: building ... (once)',
      'MinIO: building ... 15 s (12 packages)',
      'MinIO: building ... 30 s (12 packages)',
      'MinIO: building done, 40 s',
    ])
  })

  it('tells the failure and passes it on', async () => {
    const events: ProgressEvent[] = []
    const progress = new PartProgress('Kafka', (event) => events.push(event))
    await expect(progress.step('starting', () => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory')
    expect(events.map(({ phase }) => phase)).toEqual(['started', 'failed'])
  })
})

describe(formatProgress.name, () => {
  it('gives minutes where there are some', () => {
    expect(formatProgress({ title: 'MinIO', step: 'building', phase: 'done', elapsedMs: 143_000 })).toBe('MinIO: building done, 2 min 23 s')
  })
})
