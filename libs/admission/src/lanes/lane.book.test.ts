import { describe, expect, it } from 'vitest'
import { makeLane } from '../testing/make-lane.js'
import { LaneBook } from './lane.book.js'

const [one, two] = [makeLane({ tenant: 'one' }), makeLane({ tenant: 'two' })]

describe(LaneBook.name, () => {
  it('tells which lanes were quiet before', () => {
    const book = new LaneBook()
    expect(book.notice([one])).toEqual([one])
    expect(book.notice([one, two, two])).toEqual([two])
    expect(book.due).toEqual([one, two])
  })

  it('is quiet about a lane for which a claim is under way, until there may be more', () => {
    const book = new LaneBook()
    book.notice([one, two])
    book.startClaim(one)
    expect([book.isDue(one), book.isDue(two)]).toEqual([false, true])
    expect(book.notice([one])).toEqual([one])
    expect(book.isDue(one)).toBe(true)
    expect([book.isBeingClaimed(one), book.isBeingClaimed(two)]).toEqual([true, false])
    book.endClaim(one)
    expect(book.isBeingClaimed(one)).toBe(false)
  })

  it('knows nothing of a lane that it was never told of', () => {
    expect(new LaneBook().isDue(one)).toBe(false)
  })

  it('forgets lanes that are neither due nor in the queue', () => {
    const book = new LaneBook()
    book.notice([one, two])
    for (const lane of [one, two]) {
      book.startClaim(lane)
      book.endClaim(lane)
    }
    book.forgetAllBut([two])
    // What it has not forgotten it says again in its old place.
    book.notice([one])
    book.notice([two])
    expect(book.due).toEqual([two, one])
  })

  it('does not forget what became due since the queue was looked at', () => {
    const book = new LaneBook()
    book.notice([one])
    book.forgetAllBut([])
    expect(book.due).toEqual([one])
  })

  it('keeps the name of a lane only, not the task that it was told of', () => {
    const book = new LaneBook()
    book.notice([{ ...one, payload: 'x' } as typeof one])
    expect(book.due).toEqual([one])
  })
})
