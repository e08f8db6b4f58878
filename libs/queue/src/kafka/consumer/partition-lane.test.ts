import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeRecordRange, makeRecords } from '../../testing/make-records.js'
import { makeTestLane, RETRY_DELAY_MS } from '../../testing/make-test-lane.js'
import { PartitionLane, type LaneLimits } from './partition-lane.js'
import type { QueueEventMap } from './queue.events.js'

function makeLane(limits: Partial<LaneLimits> = {}) {
  return makeTestLane({ limits: { maxRecords: 10, maxBytes: 1_000, inFlight: 3, ...limits } })
}

describe(PartitionLane.name, () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  describe('dispatching', () => {
    it('starts batches in offset order, as many as may be in flight', () => {
      const { lane, handler } = makeLane({ maxRecords: 10, inFlight: 3 })
      lane.append(makeRecordRange(0, 49), 50n)
      expect(handler.started).toEqual([0, 10, 20])
      expect(lane.pendingRecords).toBe(50)
    })

    it('starts the next batch when any of those in flight is stored', async () => {
      const { lane, handler } = makeLane()
      lane.append(makeRecordRange(0, 49), 50n)
      await handler.store(10)
      expect(handler.started).toEqual([0, 10, 20, 30])
      expect(lane.committable).toBe(0n)
      await handler.store(0)
      expect(lane.committable).toBe(20n)
    })

    it('keeps a batch below its bytes, but sends a record that is larger alone', () => {
      const { lane, handler } = makeLane({ maxBytes: 25, inFlight: 10 })
      lane.append([...makeRecords([0, 1, 2], { sizeBytes: 10 }), ...makeRecords([3], { sizeBytes: 900 }), ...makeRecords([4])], 5n)
      expect(handler.calls.map(({ batch }) => batch.deliveries.map(({ offset }) => Number(offset)))).toEqual([[0, 1], [2], [3], [4]])
    })

    it('puts records of several fetches into one batch', async () => {
      const { lane, handler } = makeLane({ inFlight: 1 })
      lane.append(makeRecordRange(0, 0), 1n)
      lane.append(makeRecordRange(1, 3), 4n)
      lane.append(makeRecordRange(4, 5), 6n)
      await handler.store(0)
      expect(handler.calls.map(({ batch }) => batch.deliveries.length)).toEqual([1, 5])
    })

    it('commits over offsets that carry no record', async () => {
      const { lane, handler } = makeLane({ maxRecords: 2, inFlight: 9 })
      lane.append(makeRecords([2, 5, 9]), 15n)
      await handler.store(2)
      expect(lane.committable).toBe(9n)
      await handler.store(9)
      expect(lane.committable).toBe(15n)
    })

    it('commits over a fetch that brought markers only', async () => {
      const { lane, handler } = makeLane()
      lane.append([], 7n)
      expect(lane.committable).toBe(7n)
      lane.append(makeRecordRange(7, 8), 9n)
      lane.append([], 12n)
      expect(lane.committable).toBe(7n)
      await handler.store(7)
      expect(lane.committable).toBe(12n)
    })

    it('stores all that came from a topic that was made anew, counts none of it, and goes on at the start of the new one', async () => {
      const { lane, handler, gate } = makeLane({ inFlight: 1 })
      lane.append(makeRecordRange(0, 14), 15n)
      gate.close()
      lane.renew('second', 3n)
      expect(lane).toMatchObject({ committable: 3n, committedOffset: null, wantsRecords: false, position: 3n, topicId: 'second' })
      await handler.store(0)
      gate.open()
      await vi.advanceTimersByTimeAsync(0)
      await handler.store(10)
      expect(lane).toMatchObject({ committable: 3n, wantsRecords: true, pendingRecords: 0 })
      lane.append(makeRecordRange(3, 4), 5n)
      await handler.store(3)
      expect(lane.committable).toBe(5n)
    })

    it('waits for the intake gate with one waiter, and goes on when it opens', async () => {
      const { lane, handler, gate } = makeLane()
      gate.close()
      lane.append(makeRecordRange(0, 9), 10n)
      lane.append(makeRecordRange(10, 19), 20n)
      expect(handler.started).toEqual([])
      expect(gate.queue).toBe(1)
      gate.open()
      await vi.advanceTimersByTimeAsync(0)
      expect(handler.started).toEqual([0, 10])
    })

    it('takes room in the window until a batch is stored', async () => {
      const { lane, handler, window } = makeLane()
      lane.append(makeRecordRange(0, 29), 30n)
      expect([window.records, window.bytes]).toEqual([30, 300])
      await handler.store(10)
      expect([window.records, window.bytes]).toEqual([20, 200])
    })
  })

  describe('retrying', () => {
    it('starts nothing new after a rejection until the rejected batch is stored', async () => {
      const { lane, handler } = makeLane()
      lane.append(makeRecordRange(0, 49), 50n)
      await handler.reject(10)
      expect(lane.wantsRecords).toBe(false)
      await handler.store(0)
      await handler.store(20)
      expect(handler.running).toEqual([])
      await vi.advanceTimersByTimeAsync(RETRY_DELAY_MS)
      expect(handler.running).toEqual([10])
      expect(lane.committable).toBe(10n)
      await handler.store(10)
      expect(handler.running).toEqual([30, 40])
      expect(lane.committable).toBe(30n)
    })

    it('waits for its delay even when the last batch in flight was stored after the rejection', async () => {
      const { lane, handler } = makeLane({ inFlight: 2 })
      lane.append(makeRecordRange(0, 19), 20n)
      await handler.reject(0)
      await handler.store(10)
      await vi.advanceTimersByTimeAsync(RETRY_DELAY_MS - 1)
      expect(handler.running).toEqual([])
      await vi.advanceTimersByTimeAsync(1)
      expect(handler.running).toEqual([0])
    })

    it('retries rejected batches one at a time and oldest first', async () => {
      const { lane, handler } = makeLane()
      lane.append(makeRecordRange(0, 29), 30n)
      await handler.reject(20)
      await handler.reject(0)
      await handler.reject(10)
      await vi.advanceTimersByTimeAsync(RETRY_DELAY_MS)
      expect(handler.running).toEqual([0])
      await handler.store(0)
      expect(handler.running).toEqual([10])
      await handler.store(10)
      expect(handler.running).toEqual([20])
      await handler.store(20)
      expect(lane.committable).toBe(30n)
      expect(lane.wantsRecords).toBe(true)
    })

    it('retries for ever, each time after a longer delay, and commits nothing meanwhile', async () => {
      const { lane, handler, events } = makeLane({ inFlight: 1 })
      const failures: QueueEventMap['batchFailed'][0][] = []
      events.on('batchFailed', (failure) => failures.push(failure))
      lane.append(makeRecordRange(0, 9), 10n)
      for (let attempt = 1; attempt <= 5; attempt++) {
        await handler.reject(0)
        await vi.advanceTimersByTimeAsync(attempt * RETRY_DELAY_MS)
      }
      expect(handler.started).toEqual([0, 0, 0, 0, 0, 0])
      expect(failures.map(({ attempt, retryInMs }) => [attempt, retryInMs])).toEqual([1, 2, 3, 4, 5].map((n) => [n, n * RETRY_DELAY_MS]))
      expect(lane.committable).toBe(0n)
      expect(lane.pendingRecords).toBe(10)
    })

    it('holds the retry back while the gate is closed', async () => {
      const { lane, handler, gate } = makeLane()
      lane.append(makeRecordRange(0, 9), 10n)
      gate.close()
      await handler.reject(0)
      await vi.advanceTimersByTimeAsync(RETRY_DELAY_MS)
      expect(handler.running).toEqual([])
      gate.open()
      await vi.advanceTimersByTimeAsync(0)
      expect(handler.running).toEqual([0])
    })

    it('makes an Error of whatever the handler rejects with', async () => {
      const { lane, handler, events } = makeLane()
      const failed = vi.fn<(event: QueueEventMap['batchFailed'][0]) => void>()
      events.on('batchFailed', failed)
      lane.append(makeRecordRange(0, 9), 10n)
      await handler.reject(0, { status: 'error' })
      expect(failed.mock.calls[0]![0].error).toBeInstanceOf(Error)
    })
  })

  describe('being held and closed', () => {
    it('starts nothing while it is held and is idle when those in flight have ended', async () => {
      const { lane, handler } = makeLane({ inFlight: 2 })
      lane.append(makeRecordRange(0, 49), 50n)
      lane.hold()
      const idle = vi.fn<() => void>()
      void lane.whenIdle().then(idle)
      await handler.store(0)
      expect(idle).not.toHaveBeenCalled()
      await handler.store(10)
      expect(idle).toHaveBeenCalledTimes(1)
      expect(handler.started).toEqual([0, 10])
      expect(lane.committable).toBe(20n)
    })

    it('goes on where it was when it is released', async () => {
      const { lane, handler } = makeLane({ inFlight: 1 })
      lane.append(makeRecordRange(0, 19), 20n)
      lane.hold()
      await handler.store(0)
      lane.release()
      expect(handler.running).toEqual([10])
    })

    it('is idle at once while it waits for a retry, and retries when it is released', async () => {
      const { lane, handler } = makeLane()
      lane.append(makeRecordRange(0, 9), 10n)
      await handler.reject(0)
      lane.hold()
      await lane.whenIdle()
      await vi.advanceTimersByTimeAsync(10 * RETRY_DELAY_MS)
      expect(handler.running).toEqual([])
      lane.release()
      await vi.advanceTimersByTimeAsync(RETRY_DELAY_MS)
      expect(handler.running).toEqual([0])
    })

    it('counts no batch that is stored after it was closed', async () => {
      const { lane, handler, window } = makeLane()
      lane.append(makeRecordRange(0, 49), 50n)
      lane.close()
      expect(handler.calls[0]!.signal.aborted).toBe(true)
      await handler.store(0)
      await handler.store(10)
      expect(lane.committable).toBe(0n)
      expect(handler.started).toEqual([0, 10, 20])
      await handler.reject(20)
      await vi.advanceTimersByTimeAsync(10 * RETRY_DELAY_MS)
      expect(handler.running).toEqual([])
      expect([window.records, window.bytes]).toEqual([0, 0])
    })

    it('gives back its whole room when it is closed while it retries', async () => {
      const { lane, handler, window, gate } = makeLane({ inFlight: 1 })
      lane.append(makeRecordRange(0, 29), 30n)
      await handler.reject(0)
      gate.close()
      lane.close()
      lane.close()
      lane.append(makeRecordRange(30, 39), 40n)
      expect([window.records, window.bytes]).toEqual([0, 0])
    })
  })
})
