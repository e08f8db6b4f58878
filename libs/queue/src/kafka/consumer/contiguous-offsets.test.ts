import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ContiguousOffsets } from './contiguous-offsets.js'

describe(ContiguousOffsets.name, () => {
  it('commits nothing while the first run is not stored', () => {
    const offsets = new ContiguousOffsets(10n)
    offsets.open(20n)
    offsets.markStored(offsets.open(30n))
    expect(offsets.committable).toBe(10n)
    expect(offsets.isComplete).toBe(false)
  })

  it('commits everything that was waiting for a gap when the gap closes', () => {
    const offsets = new ContiguousOffsets(0n)
    const [first, second, third] = [offsets.open(5n), offsets.open(7n), offsets.open(9n)]
    offsets.markStored(second)
    offsets.markStored(first)
    expect(offsets.committable).toBe(7n)
    offsets.markStored(third)
    expect(offsets.committable).toBe(9n)
    expect(offsets.isComplete).toBe(true)
  })

  it('never commits past the first run that is not stored, whatever the order of the others', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 }),
        fc.infiniteStream(fc.nat()),
        (sizes, picks) => {
          const offsets = new ContiguousOffsets(0n)
          let end = 0n
          const runs = sizes.map((size) => offsets.open((end += BigInt(size))))
          const open = [...runs]
          while (open.length > 0) {
            const [stored] = open.splice(picks.next().value % open.length, 1)
            offsets.markStored(stored!)
            const firstOpen = runs.findIndex((run) => !run.stored)
            expect(offsets.committable).toBe(firstOpen === -1 ? end : firstOpen === 0 ? 0n : runs[firstOpen - 1]!.endOffset)
          }
        },
      ),
    )
  })

  it('keeps no runs that are stored', () => {
    const offsets = new ContiguousOffsets(0n)
    const blocked = offsets.open(1n)
    const runs = Array.from({ length: 3_000 }, (_, index) => offsets.open(BigInt(index + 2)))
    offsets.markStored(blocked)
    for (const run of runs) offsets.markStored(run)
    expect(offsets.committable).toBe(3_001n)
    expect(offsets.isComplete).toBe(true)
  })
})
