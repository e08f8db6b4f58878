import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GroupCommit } from '#libs/kernel'

interface Item {
  readonly sizeBytes: number
  readonly weight: number
  /** Its group is refused because of it. */
  readonly isBad: boolean
  /** The group that begins with it finds nobody there. */
  readonly isOutage: boolean
  /** Turns of the event loop before it is added. */
  readonly turns: number
}

const item: fc.Arbitrary<Item> = fc.record({
  sizeBytes: fc.nat({ max: 40 }),
  weight: fc.integer({ min: 1, max: 3 }),
  isBad: fc.integer({ min: 0, max: 9 }).map((number) => number === 9),
  isOutage: fc.integer({ min: 0, max: 9 }).map((number) => number === 9),
  turns: fc.nat({ max: 3 }),
})
const limits = { maxItems: fc.integer({ min: 1, max: 8 }), maxSizeBytes: fc.integer({ min: 1, max: 100 }) }

const OUTAGE = new Error('nobody is there')
const BAD = new Error('a bad item')

interface Options {
  readonly maxItems: number
  readonly maxSizeBytes: number
  readonly concurrency?: number
  readonly keepsOrder?: boolean
}

/** Adds the items in their turns, and waits for their answers. */
async function commitAll(items: readonly Item[], options: Options) {
  const started: (readonly Item[])[] = []
  /** How many items had been added when a group found nobody there. */
  const outages: number[] = []
  const answers = items.map((): string[] => [])
  let added = 0
  const groups = new GroupCommit<Item, Item>({
    ...options,
    weightOf: ({ weight }) => weight,
    sizeOf: ({ sizeBytes }) => sizeBytes,
    isBadItem: (error) => error === BAD,
    commit: async (group) => {
      started.push(group)
      await setImmediate()
      if (group[0]!.isOutage) {
        outages.push(added)
        throw OUTAGE
      }
      if (group.some(({ isBad }) => isBad)) throw BAD
      return group
    },
  })
  for (const [index, one] of items.entries()) {
    for (let turn = 0; turn < one.turns; turn++) await setImmediate()
    added++
    groups.add(one).then(
      (result) => answers[index]!.push(result === one ? 'its own' : 'of another'),
      (error: Error) => answers[index]!.push(error.message),
    )
  }
  await groups.whenIdle()
  await setImmediate()
  return { started, outages, answers }
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

describe(`${GroupCommit.name} with any items`, () => {
  it('gives each item exactly one answer, and refuses only the bad ones', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(item, { maxLength: 30 }),
        fc.record({ ...limits, concurrency: fc.integer({ min: 1, max: 3 }) }),
        async (given, options) => {
          const items = given.map((one) => ({ ...one, isOutage: false }))
          const { answers } = await commitAll(items, options)
          expect(answers).toEqual(items.map(({ isBad }) => [isBad ? BAD.message : 'its own']))
        },
      ),
    )
  })

  it('starts items in the order in which they were added, in groups within both limits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 30 }), fc.record(limits), async (given, options) => {
        const items = given.map((one) => ({ ...one, isBad: false, isOutage: false }))
        const { started } = await commitAll(items, options)
        expect(started.flat()).toEqual(items)
        const several = started.filter(({ length }) => length > 1)
        expect(several.filter((group) => sum(group.map(({ weight }) => weight)) > options.maxItems)).toEqual([])
        expect(several.filter((group) => sum(group.map(({ sizeBytes }) => sizeBytes)) > options.maxSizeBytes)).toEqual([])
      }),
    )
  })

  it('lets nothing overtake what was rejected before it, where it keeps the order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 30 }), fc.record(limits), async (items, options) => {
        const { answers, outages } = await commitAll(items, { ...options, keepsOrder: true })
        expect(answers.every(({ length }) => length === 1)).toBe(true)
        let from = 0
        for (const added of outages) {
          const fates = answers.slice(from, added).map(([answer]) => answer)
          const first = fates.indexOf(OUTAGE.message)
          expect(fates.slice(first).every((fate) => fate === OUTAGE.message)).toBe(true)
          from = added
        }
      }),
    )
  })
})
