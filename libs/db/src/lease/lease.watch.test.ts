import { describe, expect, it } from 'vitest'
import { LeaseWatch } from './lease.watch.js'

const lease = (id: number, renewedAt: string) => ({ id, renewedAt, durationMs: 10_000 })

describe(LeaseWatch.name, () => {
  it('finds a lease silent once it has not been renewed for as long as it lasts', () => {
    const watch = new LeaseWatch()
    expect(watch.look([lease(1, 'a'), lease(2, 'a')], 0)).toEqual([])
    expect(watch.look([lease(1, 'a'), lease(2, 'b')], 9_999)).toEqual([])
    expect(watch.look([lease(1, 'a'), lease(2, 'b')], 10_000)).toEqual([1])
    expect(watch.look([lease(1, 'c'), lease(2, 'b')], 20_000)).toEqual([2])
  })

  it('forgets a lease that has ended', () => {
    const watch = new LeaseWatch()
    watch.look([lease(1, 'a')], 0)
    watch.look([], 5_000)
    expect(watch.look([lease(1, 'a')], 10_000)).toEqual([])
  })
})
