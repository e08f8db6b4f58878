import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { GroupCommit, type GroupCommitOptions } from '#libs/kernel'

interface OpenGroup {
  readonly items: readonly string[]
  readonly resolve: (results?: readonly string[]) => void
  readonly reject: (error: unknown) => void
}

/** A group commit whose groups end when the test says so. Each item's own result is `<item>!`. */
function makeGroups(options: Partial<GroupCommitOptions<string, string>> = {}) {
  const open: OpenGroup[] = []
  const started: string[][] = []
  const groups = new GroupCommit<string, string>({
    maxItems: 10,
    commit: (items) =>
      new Promise((resolve, reject) => {
        started.push([...items])
        open.push({ items, resolve: (results) => resolve(results ?? items.map((item) => `${item}!`)), reject })
      }),
    ...options,
  })
  return { groups, started, next: () => open.shift()! }
}

/** What became of each item so far. */
function watch(groups: GroupCommit<string, string>, items: readonly string[]) {
  const fates = new Map<string, string>()
  const settled: string[] = []
  const end = (item: string, fate: string) => {
    fates.set(item, fate)
    settled.push(item)
  }
  for (const item of items) {
    groups.add(item).then(
      (result) => end(item, result),
      (error: Error) => end(item, error.message),
    )
  }
  return { fates, settled }
}

describe(GroupCommit.name, () => {
  it('commits everything that was added in one turn as one group, in order, and gives each item its own result', async () => {
    const { groups, started, next } = makeGroups()
    const { fates } = watch(groups, ['a', 'b', 'c'])
    expect(groups.backlog).toBe(3)
    await setImmediate()
    expect(started).toEqual([['a', 'b', 'c']])
    expect(groups.backlog).toBe(0)
    next().resolve()
    await setImmediate()
    expect(Object.fromEntries(fates)).toEqual({ a: 'a!', b: 'b!', c: 'c!' })
  })

  it('makes the next group of what came while the last one was under way', async () => {
    const { groups, started, next } = makeGroups()
    watch(groups, ['a'])
    await setImmediate()
    watch(groups, ['b'])
    await setImmediate()
    watch(groups, ['c'])
    await setImmediate()
    expect(started).toEqual([['a']])
    next().resolve()
    await setImmediate()
    await setImmediate()
    expect(started).toEqual([['a'], ['b', 'c']])
    next().resolve()
    await groups.whenIdle()
  })

  it('splits a group at maxItems', async () => {
    const { groups, started, next } = makeGroups({ maxItems: 2 })
    watch(groups, ['a', 'b', 'c'])
    await setImmediate()
    next().resolve()
    await setImmediate()
    await setImmediate()
    expect(started).toEqual([['a', 'b'], ['c']])
    next().resolve()
    await groups.whenIdle()
  })

  it('splits a group at maxSizeBytes, and commits an item that is larger than that alone', async () => {
    const { groups, started, next } = makeGroups({ sizeOf: (item) => item.length, maxSizeBytes: 4, concurrency: 10 })
    watch(groups, ['aa', 'bb', 'cc', 'dddddd', 'e'])
    for (let turn = 0; turn < 5; turn++) await setImmediate()
    expect(started).toEqual([['aa', 'bb'], ['cc'], ['dddddd'], ['e']])
    for (let group = 0; group < 4; group++) next().resolve()
    await groups.whenIdle()
  })

  it('runs as many groups at once as its concurrency says, and no more', async () => {
    const { groups, started, next } = makeGroups({ maxItems: 1, concurrency: 2 })
    watch(groups, ['a', 'b', 'c'])
    for (let turn = 0; turn < 5; turn++) await setImmediate()
    expect(started).toEqual([['a'], ['b']])
    next().resolve()
    for (let turn = 0; turn < 5; turn++) await setImmediate()
    expect(started).toEqual([['a'], ['b'], ['c']])
    next().resolve()
    next().resolve()
    await groups.whenIdle()
  })

  it('rejects the whole group when the error is about all of it, and goes on with the next', async () => {
    const { groups, next, started } = makeGroups({ maxItems: 2 })
    const { fates } = watch(groups, ['a', 'b', 'c'])
    await setImmediate()
    next().reject(new Error('away'))
    await setImmediate()
    await setImmediate()
    expect(Object.fromEntries(fates)).toEqual({ a: 'away', b: 'away' })
    expect(started).toEqual([['a', 'b'], ['c']])
    next().resolve()
    await groups.whenIdle()
    expect(fates.get('c')).toBe('c!')
  })

  it('rejects what waits behind a rejected group when it keeps the order', async () => {
    const { groups, next, started } = makeGroups({ maxItems: 2, keepsOrder: true })
    const { settled, fates } = watch(groups, ['a', 'b', 'c', 'd', 'e'])
    await setImmediate()
    next().reject(new Error('away'))
    await groups.whenIdle()
    expect(settled).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(new Set(fates.values())).toEqual(new Set(['away']))
    expect(started).toEqual([['a', 'b']])
  })

  it('commits each item alone after an error about one of them, so that only the bad one rejects', async () => {
    const started: string[][] = []
    const groups = new GroupCommit<string, string>({
      maxItems: 10,
      isBadItem: (error) => (error as Error).message === 'bad',
      commit: (items) => {
        started.push([...items])
        return items.includes('b') ? Promise.reject(new Error('bad')) : Promise.resolve(items)
      },
    })
    const { fates } = watch(groups, ['a', 'b', 'c'])
    await groups.whenIdle()
    await setImmediate()
    expect(Object.fromEntries(fates)).toEqual({ a: 'a', b: 'bad', c: 'c' })
    expect(started).toEqual([['a', 'b', 'c'], ['a'], ['b'], ['c']])
  })

  it('does not try the rest of a group one by one when an error about all of them comes meanwhile', async () => {
    const { groups, next, started } = makeGroups({ isBadItem: (error) => (error as Error).message === 'bad', keepsOrder: true })
    const { fates, settled } = watch(groups, ['a', 'b', 'c'])
    await setImmediate()
    const late = watch(groups, ['d'])
    next().reject(new Error('bad'))
    await setImmediate()
    next().resolve()
    await setImmediate()
    next().reject(new Error('away'))
    await groups.whenIdle()
    await setImmediate()
    expect(started).toEqual([['a', 'b', 'c'], ['a'], ['b']])
    expect(settled).toEqual(['a', 'b', 'c'])
    expect(Object.fromEntries(fates)).toEqual({ a: 'a!', b: 'away', c: 'away' })
    expect(late.fates.get('d')).toBe('away')
  })

  it('treats an error that is thrown at once like one that comes later', async () => {
    const groups = new GroupCommit<string, string>({
      maxItems: 1,
      commit: () => {
        throw new Error('at once')
      },
    })
    await expect(groups.add('a')).rejects.toThrow('at once')
  })

  it('is idle at once while nothing was added', async () => {
    await expect(makeGroups().groups.whenIdle()).resolves.toBeUndefined()
  })

  it('tells all who wait for it that it is idle, only when the last group has ended', async () => {
    const { groups, next } = makeGroups({ maxItems: 1, concurrency: 2 })
    watch(groups, ['a', 'b'])
    const told: number[] = []
    void groups.whenIdle().then(() => told.push(1))
    void groups.whenIdle().then(() => told.push(2))
    await setImmediate()
    await setImmediate()
    next().resolve()
    await setImmediate()
    expect(told).toEqual([])
    next().resolve()
    await setImmediate()
    expect(told).toEqual([1, 2])
  })
})
