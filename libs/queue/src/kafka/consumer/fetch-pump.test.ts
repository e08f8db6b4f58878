import { SystemClock } from '#libs/kernel'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ControlledHandler } from '../../testing/controlled-handler.js'
import { FakeIntakeGate } from '../../testing/fake-intake-gate.js'
import { FakeRecordReader } from '../../testing/fake-record.reader.js'
import { makeRecordRange } from '../../testing/make-records.js'
import { makeTestLane, RETRY_DELAY_MS } from '../../testing/make-test-lane.js'
import { FetchPump } from './fetch-pump.js'
import { IntakeWindow } from './intake-window.js'
import { QueueEvents } from './queue.events.js'

const KIB = 1024

function makePump({ partitions = 1, maxRecords = 100, maxBytes = 1_024 * KIB, share = 1_000 } = {}) {
  const reader = new FakeRecordReader()
  const events = new QueueEvents()
  const handler = new ControlledHandler()
  const gate = new FakeIntakeGate()
  const window = new IntakeWindow({ maxRecords, maxBytes }, () => pump.pump())
  const lanes = Array.from(
    { length: partitions },
    (_, partition) => makeTestLane({ partition, window, events, gate, dispatch: handler.dispatch }).lane,
  )
  const pump: FetchPump = new FetchPump({
    reader,
    lanes,
    window,
    laneShare: () => share,
    maxBytes: 256 * KIB,
    maxWaitMs: 250,
    retry: { initialDelayMs: 100, maxDelayMs: 2_000 },
    events,
    clock: new SystemClock(),
    random: () => 1,
  })
  const answer = (first: number, last: number, partition = 0) =>
    reader.last.answer([
      {
        kind: 'records',
        topic: 'tasks',
        partition,
        records: makeRecordRange(first, last, { partition }),
        nextOffset: BigInt(last + 1),
        topicId: 'first',
      },
    ])
  return { reader, events, window, lanes, pump, answer, handler }
}

/** Lets the pump take its steps. */
const settle = () => vi.advanceTimersByTimeAsync(0)
/** As long as a fetch that brings little takes at least. */
const pause = () => vi.advanceTimersByTimeAsync(10)

describe(FetchPump.name, () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('fetches where the last fetch ended, one fetch at a time for each broker', async () => {
    const { pump, reader, answer } = makePump()
    pump.pump()
    pump.pump()
    await settle()
    expect(reader.fetches).toHaveLength(1)
    answer(0, 9)
    await pause()
    expect(reader.fetches.map(({ positions }) => positions[0]!.offset)).toEqual([0n, 10n])
  })

  it('waits a little where records trickle in, and not where much came', async () => {
    const { pump, reader, answer } = makePump({ maxRecords: 100_000, share: 100_000 })
    pump.pump()
    await vi.advanceTimersByTimeAsync(4)
    answer(0, 9)
    await vi.advanceTimersByTimeAsync(5)
    expect(reader.fetches).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(reader.fetches).toHaveLength(2)
    answer(10, 10_000)
    await settle()
    expect(reader.fetches).toHaveLength(3)
  })

  it('asks each broker for the partitions that it leads', async () => {
    const { pump, reader } = makePump({ partitions: 4 })
    reader.leaderOf = ({ partition }) => (partition % 2) + 1
    pump.pump()
    await settle()
    expect(reader.fetches.map(({ brokerId, positions }) => [brokerId, positions.map(({ partition }) => partition)])).toEqual([
      [1, [0, 2]],
      [2, [1, 3]],
    ])
  })

  it('stops fetching when the window is full, and goes on when it has room', async () => {
    const { pump, reader, answer, handler } = makePump({ maxRecords: 20 })
    pump.pump()
    await settle()
    answer(0, 29)
    await pause()
    expect(reader.fetches).toHaveLength(1)
    expect(pump.silentMs).toBe(0)
    await handler.store(0)
    await handler.store(10)
    await pause()
    expect(reader.fetches).toHaveLength(2)
  })

  it('asks for no more bytes than the window has room for, by what records have weighed', async () => {
    const { pump, reader, answer } = makePump({ maxBytes: 100 * KIB, maxRecords: 10_000 })
    pump.pump()
    await settle()
    expect(reader.last.limits).toEqual({ maxBytes: 100 * KIB, maxPartitionBytes: 100 * KIB, maxWaitMs: 250 })
    answer(0, 29)
    await pause()
    expect(reader.last.limits.maxBytes).toBe(100 * KIB - 300)
  })

  it('leaves out a lane that holds its share', async () => {
    const { pump, reader, answer } = makePump({ partitions: 2, share: 20 })
    pump.pump()
    await settle()
    answer(0, 29, 0)
    await pause()
    expect(reader.last.positions.map(({ partition }) => partition)).toEqual([1])
  })

  it('leaves out a lane that retries, so that it cannot fill the window', async () => {
    const { pump, reader, answer, handler } = makePump({ partitions: 2 })
    pump.pump()
    await settle()
    answer(0, 9, 0)
    await pause()
    await handler.reject(0)
    await pause()
    answer(0, 9, 1)
    await pause()
    expect(reader.last.positions.map(({ partition }) => partition)).toEqual([1])
  })

  it('fetches again after all lanes had retried, though the window was never full', async () => {
    const { pump, reader, answer, handler } = makePump()
    pump.pump()
    await settle()
    answer(0, 9)
    await settle()
    await handler.reject(0)
    await pause()
    expect(reader.fetches).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(RETRY_DELAY_MS)
    await handler.store(0)
    await pause()
    expect(reader.fetches.map(({ positions }) => positions[0]!.offset)).toEqual([0n, 10n])
  })

  it('drops what comes for a lane that was closed meanwhile', async () => {
    const { pump, lanes, answer, handler } = makePump()
    pump.pump()
    await settle()
    lanes[0]!.close()
    answer(0, 9)
    await settle()
    expect(handler.started).toEqual([])
  })

  it('goes on at the beginning of what is left when its position is out of range', async () => {
    const { pump, reader, events, lanes } = makePump()
    const reset = vi.fn<(event: object) => void>()
    events.on('offsetReset', reset)
    pump.pump()
    await settle()
    reader.last.answer([{ kind: 'out_of_range', topic: 'tasks', partition: 0, startOffset: 500n }])
    await pause()
    expect(reset).toHaveBeenCalledWith({ topic: 'tasks', partition: 0, from: 0n, to: 500n, cause: 'out_of_range' })
    expect(reader.last.positions[0]!.offset).toBe(500n)
    expect(lanes[0]!.committable).toBe(500n)
  })

  it('begins a topic that was made anew at its start, once what came from the old one is stored, and says so', async () => {
    const { pump, reader, events, lanes, answer, handler } = makePump({ maxRecords: 1_000 })
    const reset = vi.fn<(event: object) => void>()
    events.on('offsetReset', reset)
    pump.pump()
    await settle()
    answer(0, 9)
    await pause()
    reader.last.answer([{ kind: 'made_anew', topic: 'tasks', partition: 0, topicId: 'second', startOffset: 0n }])
    await pause()
    expect(reset).toHaveBeenCalledWith({ topic: 'tasks', partition: 0, from: 10n, to: 0n, cause: 'made_anew' })
    expect(reader.fetches).toHaveLength(2)
    await handler.store(0)
    await pause()
    expect(reader.last.positions[0]).toEqual({ topic: 'tasks', partition: 0, offset: 0n, topicId: 'second' })
    expect(lanes[0]!.committable).toBe(0n)
  })

  it('drops what was asked of a topic that has been made anew meanwhile', async () => {
    const { pump, lanes, answer, handler } = makePump()
    pump.pump()
    await settle()
    lanes[0]!.renew('second', 0n)
    answer(0, 9)
    await settle()
    expect(handler.started).toEqual([])
  })

  it('takes what came for the other partitions when one of them failed, and lets that one rest, not its broker', async () => {
    const { pump, reader, handler, events } = makePump({ partitions: 2 })
    const failed = vi.fn<(event: object) => void>()
    events.on('partitionFailed', failed)
    pump.pump()
    await settle()
    const error = new Error('TOPIC_AUTHORIZATION_FAILED')
    const refusal = { kind: 'failed', topic: 'tasks', partition: 0, error } as const
    const records = makeRecordRange(0, 9, { partition: 1 })
    reader.last.answer([refusal, { kind: 'records', topic: 'tasks', partition: 1, records, nextOffset: 10n, topicId: 'first' }])
    await pause()
    expect(handler.calls.map(({ batch }) => batch.partition)).toEqual([1])
    expect(failed).toHaveBeenCalledExactlyOnceWith({ topic: 'tasks', partition: 0, error, attempt: 2, delayMs: 200 })
    expect(reader.last.positions).toMatchObject([{ partition: 1, offset: 10n }])
    reader.last.answer([])
    await vi.advanceTimersByTimeAsync(180)
    expect(reader.last.positions).toHaveLength(1)
    await pause()
    reader.last.answer([])
    await pause()
    expect(reader.last.positions).toHaveLength(2)
    reader.last.answer([refusal])
    await settle()
    expect(failed).toHaveBeenLastCalledWith({ topic: 'tasks', partition: 0, error, attempt: 3, delayMs: 400 })
    pump.close()
  })

  it('says of a partition without a leader that it fails, while the others are read', async () => {
    const { pump, reader, events } = makePump({ partitions: 2 })
    const failed = vi.fn<(event: object) => void>()
    events.on('partitionFailed', failed)
    reader.leaderOf = ({ partition }) => (partition === 0 ? undefined : 1)
    pump.pump()
    await settle()
    expect(reader.last.positions).toMatchObject([{ partition: 1 }])
    expect(failed).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ partition: 0, attempt: 2 }))
    pump.close()
  })

  it('names a broker that owes an answer though others answer, until it answers or leads nothing more', async () => {
    const { pump, reader } = makePump({ partitions: 2 })
    reader.leaderOf = ({ partition }) => partition + 1
    pump.pump()
    await settle()
    for (let round = 0; round < 10; round++) {
      reader.last.answer([])
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(pump.silentMs).toBeLessThan(2_000)
    expect(pump.silentBrokers(9_000)).toEqual([1])
    expect(pump.silentBrokers(11_000)).toEqual([])
    const last = (broker: number) => reader.fetches.findLast(({ brokerId }) => brokerId === broker)!
    last(1).fail(new Error('timeout'))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(pump.silentBrokers(9_000)).toEqual([1])
    reader.leaderOf = () => 2
    last(1).fail(new Error('timeout'))
    last(2).answer([])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(pump.silentBrokers(9_000)).toEqual([])
    pump.close()
  })

  it('waits longer after every error, and counts the silence from the first question', async () => {
    const { pump, reader, answer } = makePump()
    pump.pump()
    await settle()
    reader.last.fail(new Error('Connection closed'))
    await vi.advanceTimersByTimeAsync(199)
    expect(reader.fetches).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    reader.last.fail(new Error('Connection closed'))
    await vi.advanceTimersByTimeAsync(400)
    expect(reader.fetches).toHaveLength(3)
    expect(pump.silentMs).toBe(600)
    expect(pump.lastFetchAt).toBeNull()
    answer(0, 9)
    await settle()
    expect(pump.silentMs).toBe(0)
    expect(pump.lastFetchAt).toBe(Date.now())
  })

  it('goes on at the other brokers while one of them fails', async () => {
    const { pump, reader } = makePump({ partitions: 2 })
    reader.leaderOf = ({ partition }) => partition + 1
    pump.pump()
    await settle()
    reader.fetches[0]!.fail(new Error('Connection refused'))
    reader.fetches[1]!.answer([])
    await pause()
    expect(reader.fetches.map(({ brokerId }) => brokerId)).toEqual([1, 2, 2])
    await vi.advanceTimersByTimeAsync(200)
    expect(reader.fetches.map(({ brokerId }) => brokerId)).toEqual([1, 2, 2, 1])
    pump.close()
  })

  it('tries again when no partition has a leader, or the leaders cannot be learned', async () => {
    const { pump, reader } = makePump()
    reader.leaderOf = () => undefined
    pump.pump()
    await settle()
    reader.leaderOf = () => 1
    reader.leadersError = new Error('Connection refused')
    await vi.advanceTimersByTimeAsync(200)
    reader.leadersError = undefined
    await vi.advanceTimersByTimeAsync(400)
    expect(reader.fetches).toHaveLength(1)
  })

  it('fetches nothing after it was closed', async () => {
    const { pump, reader, answer } = makePump()
    pump.pump()
    await settle()
    pump.close()
    answer(0, 9)
    reader.last.fail(new Error('closed'))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(reader.fetches).toHaveLength(1)
  })
})
