import { describe, expect, it } from 'vitest'
import { Permits } from './permits.js'

describe(Permits.name, () => {
  it('gives permits in the order in which they were asked for', async () => {
    const permits = new Permits(1)
    const order: number[] = []
    await permits.acquire()
    const second = permits.acquire().then(() => order.push(2))
    const third = permits.acquire().then(() => order.push(3))
    permits.release()
    await second
    expect(order).toEqual([2])
    permits.release()
    await third
    expect(order).toEqual([2, 3])
  })

  it('gives nothing to a caller whose signal is aborted, before or while it waits', async () => {
    const permits = new Permits(1)
    await expect(permits.acquire(AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop')
    await permits.acquire()
    const impatient = new AbortController()
    const waiting = permits.acquire(impatient.signal)
    impatient.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    permits.release()
    await expect(permits.acquire()).resolves.toBeUndefined()
  })

  it('no longer listens to the signal of a caller that got its permit', async () => {
    const permits = new Permits(1)
    await permits.acquire()
    const controller = new AbortController()
    const waiting = permits.acquire(controller.signal)
    permits.release()
    await waiting
    controller.abort()
    permits.release()
    await expect(permits.acquire()).resolves.toBeUndefined()
  })
})
