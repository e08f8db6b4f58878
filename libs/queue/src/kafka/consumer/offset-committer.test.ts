import type { RecordPosition } from '#libs/kernel'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeTestLane } from '../../testing/make-test-lane.js'
import { makeRecordRange } from '../../testing/make-records.js'
import { OffsetCommitter } from './offset-committer.js'
import { QueueEvents } from './queue.events.js'

const INTERVAL_MS = 100

function makeCommitter() {
  const { lane, handler } = makeTestLane({ startOffset: 0n, committedOffset: 0n })
  const commits: { offsets: readonly RecordPosition[]; resolve: () => void; reject: (error: Error) => void }[] = []
  const committer = new OffsetCommitter({
    lanes: [lane],
    commit: (offsets) => new Promise((resolve, reject) => commits.push({ offsets, resolve, reject })),
    intervalMs: INTERVAL_MS,
    retryDelayMs: INTERVAL_MS,
    events: new QueueEvents(),
  })
  return { lane, handler, commits, committer }
}

describe(OffsetCommitter.name, () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('commits by its timer what has been stored, and nothing while nothing new is stored', async () => {
    const { lane, handler, commits, committer } = makeCommitter()
    committer.start()
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    expect(commits).toEqual([])
    lane.append(makeRecordRange(0, 9), 10n)
    await handler.store(0)
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    expect(commits[0]!.offsets).toEqual([{ topic: 'tasks', partition: 0, offset: 10n }])
    commits[0]!.resolve()
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    expect(commits).toHaveLength(1)
    committer.stop()
  })

  it('has one commit under way, and the next one carries what has been stored meanwhile', async () => {
    const { lane, handler, commits, committer } = makeCommitter()
    committer.start()
    lane.append(makeRecordRange(0, 19), 20n)
    await handler.store(0)
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    await handler.store(10)
    const asked = committer.commitNow()
    await vi.advanceTimersByTimeAsync(5 * INTERVAL_MS)
    expect(commits).toHaveLength(1)
    commits[0]!.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(commits[1]!.offsets[0]!.offset).toBe(20n)
    commits[1]!.resolve()
    await expect(asked).resolves.toBe(true)
    committer.stop()
  })

  it('carries the same offsets again after a failed commit', async () => {
    const { lane, handler, commits, committer } = makeCommitter()
    lane.append(makeRecordRange(0, 9), 10n)
    await handler.store(0)
    const failed = committer.commitNow()
    commits[0]!.reject(new Error('REBALANCE_IN_PROGRESS'))
    await expect(failed).resolves.toBe(false)
    const again = committer.commitNow()
    commits[1]!.resolve()
    await expect(again).resolves.toBe(true)
    expect(commits[1]!.offsets).toEqual(commits[0]!.offsets)
  })

  it('tries the last commit of a partition again, but not for ever', async () => {
    const { lane, handler, commits, committer } = makeCommitter()
    lane.append(makeRecordRange(0, 9), 10n)
    await handler.store(0)
    const all = committer.commitAll(3)
    for (let attempt = 0; attempt < 3; attempt++) {
      commits[attempt]!.reject(new Error('REBALANCE_IN_PROGRESS'))
      await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    }
    await all
    expect(commits).toHaveLength(3)
  })

  it('commits the start of a partition on which nothing is committed yet', async () => {
    const { lane, commits, committer } = makeCommitter()
    lane.committedOffset = null
    const asked = committer.commitNow()
    commits[0]!.resolve()
    await asked
    expect(commits[0]!.offsets).toEqual([{ topic: 'tasks', partition: 0, offset: 0n }])
  })

  it('never commits for a partition that was given up', async () => {
    const { lane, handler, commits, committer } = makeCommitter()
    lane.append(makeRecordRange(0, 9), 10n)
    await handler.store(0)
    lane.close()
    await expect(committer.commitNow()).resolves.toBe(true)
    expect(commits).toEqual([])
  })
})
