import { describe, expect, it } from 'vitest'
import type { Lane } from '#libs/kernel'
import { StreamWaiters } from './stream-waiters.js'
import { makeLane } from './testing/make-lane.js'

const [one, two] = [makeLane({ model: 'one' }), makeLane({ model: 'two' })]
const never = () => new AbortController().signal
const serve = (waiters: StreamWaiters, take: (lane: Lane) => boolean | Error) => waiters.serve(take, ([first]) => first)

describe(StreamWaiters.name, () => {
  it('gives streams to those that came first', async () => {
    const waiters = new StreamWaiters()
    const given: string[] = []
    const waits = ['first', 'second', 'third'].map((name) => waiters.wait(one, never()).then(() => given.push(name)))
    let free = 2
    serve(waiters, () => free-- > 0)
    await Promise.all(waits.slice(0, 2))
    expect([given, waiters.lanes]).toEqual([['first', 'second'], [one]])
  })

  it('lets one that needs another stream pass by', async () => {
    const waiters = new StreamWaiters()
    void waiters.wait(one, never())
    const second = waiters.wait(two, never())
    serve(waiters, (lane) => lane.model === 'two')
    await second
    expect(waiters.lanes).toEqual([one])
  })

  it('gives streams by the turns of lanes, not to whoever came first', async () => {
    const waiters = new StreamWaiters()
    const given: string[] = []
    const waits = [one, one, one, two].map((lane) => waiters.wait(lane, never()).then(() => given.push(lane.model)))
    const turns = [one, two, one]
    let taken = 0
    waiters.serve(
      () => taken++ < 3,
      () => turns[taken],
    )
    await Promise.all([waits[0], waits[1], waits[3]])
    expect(given).toEqual(['one', 'two', 'one'])
    expect(waiters.lanes).toEqual([one])
  })

  it('refuses those that must not wait any longer', async () => {
    const waiters = new StreamWaiters()
    const wait = waiters.wait(one, never())
    serve(waiters, () => new Error('closed'))
    await expect(wait).rejects.toThrow('closed')
    expect(waiters.lanes).toEqual([])
  })

  it('lets go of one whose signal is aborted, and gives it nothing any more', async () => {
    const waiters = new StreamWaiters()
    const leaving = new AbortController()
    const wait = waiters.wait(one, leaving.signal)
    leaving.abort(new Error('too late'))
    await expect(wait).rejects.toThrow('too late')
    let asked = 0
    serve(waiters, () => (asked++, true))
    expect(asked).toBe(0)
  })

  it('leaves nothing behind on the signal once it was served', async () => {
    const waiters = new StreamWaiters()
    const leaving = new AbortController()
    const wait = waiters.wait(one, leaving.signal)
    serve(waiters, () => true)
    await wait
    leaving.abort(new Error('too late'))
    expect(waiters.lanes).toEqual([])
  })
})
