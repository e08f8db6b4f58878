import { describe, expect, it, vi } from 'vitest'
import { FakeClusterAdmin } from '../../testing/fake-cluster.admin.js'
import type { StartFrom } from '../../queue.settings.js'
import { QueueEvents } from './queue.events.js'
import { StartPositions, StartRefusedError } from './start-positions.js'

const starts = (startFrom?: StartFrom, events = new QueueEvents()) => new StartPositions({ groupId: 'group', startFrom }, events)
const offsetsOf = async (positions: StartPositions, admin: FakeClusterAdmin) =>
  (await positions.find(admin, await admin.partitions(['tasks']))).map(({ offset, committed }) => [Number(offset), committed])

describe(StartPositions.name, () => {
  it('refuses a topic that is not empty and on which the group has committed nothing, and says what to set', async () => {
    const admin = new FakeClusterAdmin({ tasks: [{ first: 0n, next: 5n }], other: [{ first: 0n, next: 0n }] })
    const settled = starts().settle(admin, ['tasks', 'other'])
    await expect(settled).rejects.toThrow(StartRefusedError)
    await expect(settled).rejects.toThrow(/group "group" has no committed offset on "tasks".*KAFKA_START_FROM/)
    expect(admin.topics.tasks![0]!.committed).toBeUndefined()
  })

  it('begins an empty topic at earliest and commits that at once', async () => {
    const admin = new FakeClusterAdmin({ tasks: [{ first: 40n, next: 40n }] })
    await starts().settle(admin, ['tasks'])
    expect(admin.topics.tasks![0]!.committed).toBe(40n)
  })

  it.each([
    ['earliest', 3n],
    ['latest', 9n],
    [1_700_000_000_000, 6n],
  ] as const)('begins at %s when KAFKA_START_FROM says so, in all partitions', async (startFrom, offset) => {
    const admin = new FakeClusterAdmin({ tasks: Array.from({ length: 2 }, () => ({ first: 3n, next: 9n, atTime: 6n })) })
    await starts(startFrom).settle(admin, ['tasks'])
    expect(admin.topics.tasks!.map(({ committed }) => committed)).toEqual([offset, offset])
  })

  it('begins at what is committed, whatever KAFKA_START_FROM says', async () => {
    const admin = new FakeClusterAdmin({ tasks: [{ first: 0n, next: 100n, committed: 42n }] })
    const positions = starts('latest')
    await positions.settle(admin, ['tasks'])
    expect(await offsetsOf(positions, admin)).toEqual([[42, true]])
  })

  it('begins a partition that was added to a known topic at earliest, whatever KAFKA_START_FROM says', async () => {
    const admin = new FakeClusterAdmin({
      tasks: [
        { first: 0n, next: 100n, committed: 42n },
        { first: 0n, next: 7n },
      ],
    })
    const positions = starts('latest')
    await positions.settle(admin, ['tasks'])
    expect(await offsetsOf(positions, admin)).toEqual([
      [42, true],
      [0, false],
    ])
  })

  it('begins a topic that was made anew at earliest, whatever KAFKA_START_FROM says', async () => {
    const admin = new FakeClusterAdmin({ tasks: [{ first: 0n, next: 100n, committed: 42n }] })
    const events = new QueueEvents()
    const madeAnew: string[] = []
    events.on('topicMadeAnew', ({ topic }) => madeAnew.push(topic))
    const positions = starts('latest', events)
    await positions.settle(admin, ['tasks'])
    expect(madeAnew).toEqual([])
    admin.topics.tasks = [{ first: 0n, next: 9n }]
    admin.ids.tasks = 'second'
    await positions.settle(admin, ['tasks'])
    expect(admin.topics.tasks[0]!.committed).toBe(0n)
    expect(madeAnew).toEqual(['tasks'])
  })

  it('takes the start that another replica has committed meanwhile', async () => {
    const admin = new FakeClusterAdmin({ tasks: [{ first: 0n, next: 10n }] })
    const [partition] = admin.topics.tasks!
    vi.spyOn(admin, 'commitForGroup').mockImplementation(() => {
      partition!.committed = 10n
      return Promise.reject(new Error('UNKNOWN_MEMBER_ID'))
    })
    const positions = starts('earliest')
    await positions.settle(admin, ['tasks'])
    expect(await offsetsOf(positions, admin)).toEqual([[10, true]])
  })

  it('waits while nobody can commit the start, and keeps its decision though records have come to the empty topic', async () => {
    const admin = new FakeClusterAdmin({ tasks: [{ first: 0n, next: 0n }] })
    admin.groupHasMembers = true
    const positions = starts()
    await expect(positions.settle(admin, ['tasks'])).rejects.toThrow('UNKNOWN_MEMBER_ID')
    admin.groupHasMembers = false
    admin.topics.tasks![0]!.next = 10n
    await positions.settle(admin, ['tasks'])
    expect(await offsetsOf(positions, admin)).toEqual([[0, true]])
  })
})
