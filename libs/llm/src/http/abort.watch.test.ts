import { describe, expect, it, vi } from 'vitest'
import { AbortWatch, type Abortable } from './abort.watch.js'

const makeCall = () => ({ aborted: vi.fn<Abortable['aborted']>() })

describe(AbortWatch.name, () => {
  it('tells every call of a signal, and no call of another one', () => {
    const watch = new AbortWatch()
    const [one, other] = [new AbortController(), new AbortController()]
    const [first, second, foreign] = [makeCall(), makeCall(), makeCall()]
    watch.add(one.signal, first)
    watch.add(one.signal, second)
    watch.add(other.signal, foreign)
    one.abort()
    expect(first.aborted).toHaveBeenCalledExactlyOnceWith(one.signal)
    expect(second.aborted).toHaveBeenCalledTimes(1)
    expect(foreign.aborted).not.toHaveBeenCalled()
  })

  it('does not tell a call that has left, even while the others are told', () => {
    const watch = new AbortWatch()
    const { signal, ...controller } = makeController()
    const late = makeCall()
    const leaving = { aborted: vi.fn<Abortable['aborted']>(() => watch.remove(signal, late)) }
    watch.add(signal, leaving)
    watch.add(signal, late)
    controller.abort()
    expect(leaving.aborted).toHaveBeenCalledTimes(1)
    expect(late.aborted).not.toHaveBeenCalled()
  })

  it('listens to a signal once, however many calls come and go', () => {
    const watch = new AbortWatch()
    const { signal } = makeController()
    const listen = vi.spyOn(signal, 'addEventListener')
    for (let count = 0; count < 3; count++) {
      const call = makeCall()
      watch.add(signal, call)
      watch.remove(signal, call)
    }
    expect(listen).toHaveBeenCalledTimes(1)
  })
})

function makeController(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}
