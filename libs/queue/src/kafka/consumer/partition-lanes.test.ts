import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ControlledHandler } from '../../testing/controlled-handler.js'
import { makeRecordRange } from '../../testing/make-records.js'
import { makeTestLane } from '../../testing/make-test-lane.js'
import type { TopicPartition } from '../kafka-client.port.js'
import { PartitionLanes } from './partition-lanes.js'
import { QueueEvents, type QueueEventMap } from './queue.events.js'
import type { StartPosition } from './start-positions.js'

const DRAIN_MS = 1_000

function makeLanes() {
  const handler = new ControlledHandler()
  const events = new QueueEvents()
  const revoked: QueueEventMap['revoked'][0][] = []
  events.on('revoked', (event) => revoked.push(event))
  const lookups: { partitions: readonly TopicPartition[]; answer: (offset: number) => void; fail: (error: Error) => void }[] = []
  const commit = vi.fn<() => Promise<void>>(() => Promise.resolve())
  const onReady = vi.fn<() => void>()
  const onError = vi.fn<(error: Error) => void>()
  const lanes: PartitionLanes = new PartitionLanes({
    findStarts: (partitions) =>
      new Promise<readonly StartPosition[]>((resolve, fail) => {
        const answer = (offset: number) =>
          resolve(partitions.map((partition) => ({ ...partition, offset: BigInt(offset), topicId: 'first', committed: true })))
        lookups.push({ partitions, answer, fail })
      }),
    createLane: ({ topic, partition, offset }) =>
      makeTestLane({ topic, partition, startOffset: offset, events, dispatch: handler.dispatch }).lane,
    commit,
    drainTimeoutMs: DRAIN_MS,
    onReady,
    onError,
    events,
  })
  return { lanes, handler, lookups, commit, onReady, onError, revoked }
}

const own = (...partitions: number[]) => partitions.map((partition) => ({ topic: 'tasks', partition }))
const settle = () => vi.advanceTimersByTimeAsync(0)

describe(PartitionLanes.name, () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('begins a partition at its start', async () => {
    const { lanes, lookups, onReady } = makeLanes()
    lanes.takeOver(own(0, 1))
    lookups[0]!.answer(7)
    await settle()
    expect(Array.from(lanes, ({ partition, position }) => [partition, position])).toEqual([
      [0, 7n],
      [1, 7n],
    ])
    expect(onReady).toHaveBeenCalledTimes(2)
  })

  it('does not touch a partition that stays through a rebalance', async () => {
    const { lanes, lookups, handler, commit } = makeLanes()
    lanes.takeOver(own(0, 1))
    lookups[0]!.answer(0)
    await settle()
    const [stays] = lanes
    stays!.append(makeRecordRange(0, 49), 50n)
    await lanes.giveUp(own(0))
    lanes.takeOver(own(0, 2))
    lookups[1]!.answer(0)
    await settle()
    expect(lookups[1]!.partitions).toEqual(own(2))
    expect(Array.from(lanes)[0]).toBe(stays)
    expect(handler.running).toEqual([0, 10, 20])
    expect(commit).toHaveBeenCalledTimes(1)
  })

  it('lets what is in flight be stored and commits it before it gives a partition up', async () => {
    const { lanes, lookups, handler, commit, revoked } = makeLanes()
    lanes.takeOver(own(0))
    lookups[0]!.answer(0)
    await settle()
    const [lane] = lanes
    lane!.append(makeRecordRange(0, 49), 50n)
    commit.mockImplementation(() => {
      expect(lane!.committable).toBe(30n)
      return Promise.resolve()
    })
    const given = lanes.giveUp([])
    for (const first of [0, 10, 20]) await handler.store(first)
    await given
    expect(handler.started).toEqual([0, 10, 20])
    expect(commit).toHaveBeenCalledTimes(1)
    expect(lane!.isClosed).toBe(true)
    expect(revoked).toEqual([{ partitions: own(0), undrained: [] }])
    expect(lanes.size).toBe(0)
  })

  it('gives a partition up after the time for draining, and says so', async () => {
    const { lanes, lookups, handler, revoked } = makeLanes()
    lanes.takeOver(own(0))
    lookups[0]!.answer(0)
    await settle()
    const [lane] = lanes
    lane!.append(makeRecordRange(0, 9), 10n)
    const given = lanes.giveUp([])
    await vi.advanceTimersByTimeAsync(DRAIN_MS)
    await given
    expect(revoked).toEqual([{ partitions: own(0), undrained: own(0) }])
    await handler.store(0)
    expect(lane!.committable).toBe(0n)
  })

  it('waits for the last commit, but not for ever', async () => {
    const { lanes, lookups, commit } = makeLanes()
    lanes.takeOver(own(0))
    lookups[0]!.answer(0)
    await settle()
    commit.mockReturnValue(new Promise(() => undefined))
    const given = lanes.giveUp([])
    await vi.advanceTimersByTimeAsync(2_000)
    await expect(given).resolves.toBeUndefined()
  })

  it('drops a partition that was lost without a word, and commits nothing for it', async () => {
    const { lanes, lookups, commit } = makeLanes()
    lanes.takeOver(own(0))
    lookups[0]!.answer(0)
    await settle()
    const [lane] = lanes
    lanes.takeOver([])
    expect(lane!.isClosed).toBe(true)
    expect(commit).not.toHaveBeenCalled()
  })

  it('begins anew a partition that went and came back while its first start was looked up', async () => {
    const { lanes, lookups } = makeLanes()
    lanes.takeOver(own(0))
    await lanes.giveUp([])
    lanes.takeOver(own(0))
    lookups[0]!.answer(100)
    await settle()
    expect(lanes.size).toBe(0)
    lookups[1]!.answer(200)
    await settle()
    expect(Array.from(lanes, ({ position }) => position)).toEqual([200n])
  })

  it('looks up a start once when a rebalance comes while it is looked up', async () => {
    const { lanes, lookups } = makeLanes()
    lanes.takeOver(own(0))
    lanes.takeOver(own(0))
    lookups[0]!.answer(5)
    await settle()
    expect(lookups).toHaveLength(1)
    expect(lanes.size).toBe(1)
  })

  it('tells of a start that cannot be looked up', async () => {
    const { lanes, lookups, onError } = makeLanes()
    lanes.takeOver(own(0))
    lookups[0]!.fail(new Error('Connection closed'))
    await settle()
    expect(onError).toHaveBeenCalledTimes(1)
  })

  it('drains everything when it is closed, and takes nothing over after that', async () => {
    const { lanes, lookups, commit } = makeLanes()
    lanes.takeOver(own(0))
    lookups[0]!.answer(0)
    await settle()
    await lanes.close({ commit: true })
    lanes.takeOver(own(0, 1))
    expect([lanes.size, lookups.length, commit.mock.calls.length]).toEqual([0, 1, 1])
  })

  it('commits nothing at its close when the group takes no commits any more', async () => {
    const { lanes, lookups, commit } = makeLanes()
    lanes.takeOver(own(0))
    lookups[0]!.answer(0)
    await settle()
    await lanes.close({ commit: false })
    expect(commit).not.toHaveBeenCalled()
  })
})
