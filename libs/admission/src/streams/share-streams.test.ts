import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StreamGrant } from '#libs/kernel'
import { shareStreams } from './share-streams.js'

const STARVED = 5_000

function makeGrant(leaseId: number, fields: Partial<StreamGrant> = {}): StreamGrant {
  return { leaseId, streams: 0, inUse: 0, wanted: 0, starvedMs: 0, ...fields }
}

const grantsOf = (wanted: readonly number[]) => wanted.map((count, index) => makeGrant(index + 1, { wanted: count }))

/** What each should have. */
const fairOf = (limit: number, grants: readonly StreamGrant[]) => grants.map(({ leaseId }) => shareStreams(limit, grants, leaseId).fair)

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

/** A replica asks: it gives back what is idle and too much, as StreamGates does, and takes what it is given. */
function ask(limit: number, grants: readonly StreamGrant[], leaseId: number): StreamGrant[] {
  const { fair, streams } = shareStreams(limit, grants, leaseId)
  return grants.map((grant) =>
    grant.leaseId === leaseId ? { ...grant, streams: streams > fair ? Math.max(grant.inUse, fair) : streams } : grant,
  )
}

const limit = fc.integer({ min: 1, max: 30 })
const wants = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 8 })
/** By whom, and what happens there: it asks, or its calls and tasks become so many. */
const move = fc.record({
  replica: fc.nat({ max: 7 }),
  wanted: fc.option(fc.nat({ max: 30 }), { nil: undefined }),
  inUse: fc.nat({ max: 30 }),
})

describe(shareStreams.name, () => {
  it('divides equally among those who want streams, and gives what is left over to those who do not', () => {
    expect(fairOf(10, grantsOf([10, 10, 10, 10]))).toEqual([3, 3, 2, 2])
    expect(fairOf(10, grantsOf([10, 1, 10]))).toEqual([5, 1, 4])
    expect(fairOf(10, grantsOf([0, 2, 0, 0]))).toEqual([2, 4, 2, 2])
    expect(fairOf(10, grantsOf([0, 0, 0, 0]))).toEqual([3, 3, 2, 2])
  })

  it('leaves the rest that cannot be divided where it is', () => {
    const grants = grantsOf([10, 10, 10]).map((grant) => ({ ...grant, streams: grant.leaseId === 3 ? 4 : 3 }))
    expect(fairOf(10, grants)).toEqual([3, 3, 4])
  })

  it('gives only what is free, and takes nothing away', () => {
    const grants = [makeGrant(1, { streams: 10, inUse: 10, wanted: 10 }), makeGrant(2, { wanted: 10 })]
    expect(shareStreams(10, grants, 2)).toEqual({ fair: 5, streams: 0 })
    expect(shareStreams(10, grants, 1)).toEqual({ fair: 5, streams: 10 })
  })

  it('takes nothing away where the limit has gone down below what is out', () => {
    const grants = [makeGrant(1, { streams: 6, wanted: 6 }), makeGrant(2, { streams: 4, wanted: 10 })]
    expect(shareStreams(5, grants, 2)).toEqual({ fair: 2, streams: 4 })
  })

  it('never passes the limit, in whatever order replicas ask, start and end calls', () => {
    fc.assert(
      fc.property(limit, wants, fc.array(move, { maxLength: 60 }), (most, wanted, moves) => {
        let grants = grantsOf(wanted)
        for (const { replica, wanted: now, inUse } of moves) {
          const leaseId = (replica % grants.length) + 1
          grants = grants.map((grant) =>
            grant.leaseId === leaseId ? { ...grant, inUse: Math.min(inUse, grant.streams), wanted: now ?? grant.wanted } : grant,
          )
          grants = ask(most, grants, leaseId)
          expect(sum(grants.map(({ streams }) => streams))).toBeLessThanOrEqual(most)
          for (const grant of grants) expect(grant.streams).toBeGreaterThanOrEqual(grant.inUse)
        }
      }),
    )
  })

  it('gives all of them out, none more than one stream less than another while it wants more', () => {
    fc.assert(
      fc.property(limit, wants, (most, wanted) => {
        const fair = fairOf(most, grantsOf(wanted))
        expect(sum(fair)).toBe(most)
        const short = fair.filter((streams, index) => streams < wanted[index]!)
        expect(Math.max(...fair) - Math.min(...short)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('comes to rest after three rounds, and then moves no stream any more', () => {
    fc.assert(
      fc.property(limit, wants, fc.array(fc.nat({ max: 30 }), { minLength: 8, maxLength: 8 }), (most, wanted, before) => {
        let left = most
        let grants = grantsOf(wanted).map((grant, index) => {
          const streams = Math.min(left, before[index]!)
          left -= streams
          return { ...grant, streams }
        })
        const askAll = () => grants.forEach(({ leaseId }) => (grants = ask(most, grants, leaseId)))
        askAll()
        askAll()
        askAll()
        const rested = grants
        expect(sum(rested.map(({ streams }) => streams))).toBe(most)
        askAll()
        expect(grants).toEqual(rested)
      }),
    )
  })

  it('lets the one that has starved longest go first, and those that have starved briefly not', () => {
    const holder = makeGrant(1, { streams: 1, inUse: 1, wanted: 5 })
    const starving = [makeGrant(2, { wanted: 5, starvedMs: STARVED }), makeGrant(3, { wanted: 5, starvedMs: STARVED + 1 })]
    expect(fairOf(1, [holder, ...starving])).toEqual([0, 0, 1])
    expect(fairOf(1, [holder, makeGrant(2, { wanted: 5, starvedMs: STARVED - 1 })])).toEqual([1, 0])
  })

  it('lets everybody have a turn where there are fewer streams than replicas', () => {
    let grants = grantsOf([5, 5, 5])
    const turns: number[] = []
    for (let second = 0; second < 60; second++) {
      for (const { leaseId } of grants) grants = ask(1, grants, leaseId)
      grants = grants.map((grant) => ({ ...grant, starvedMs: grant.streams === 0 ? grant.starvedMs + 1_000 : 0 }))
      turns.push(...grants.filter(({ streams }) => streams === 1).map(({ leaseId }) => leaseId))
    }
    for (const leaseId of [1, 2, 3]) expect(turns.filter((turn) => turn === leaseId).length).toBeGreaterThanOrEqual(12)
    // Each has starved for 5 s when its turn comes, and two others had theirs meanwhile.
    expect(turns.filter((turn, index) => turn !== turns[index - 1]).length).toBeLessThanOrEqual((60 / 5) * 2)
  })
})
