import { Logger } from '@nestjs/common'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TaskError, type OutboxMessage } from '#libs/kernel'
import { makeOutboxMessage } from '../../../../test/factories/outbox-message.factory.js'
import { FakeLedger } from '../../../../test/fakes/fake-ledger.js'
import { FakeResultPublisher } from '../../../../test/fakes/fake-result.publisher.js'
import { OutboxSweeper } from './outbox.sweeper.js'

const BATCH = 500
const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue()

const logError = vi.spyOn(Logger.prototype, 'error').mockReturnValue()

beforeEach(() => {
  logError.mockClear()
  vi.useFakeTimers()
  warn.mockClear()
})
afterEach(() => vi.useRealTimers())

/** A sweeper that finds these batches, then nothing. */
function makeSweeper(...batches: OutboxMessage[][]) {
  const ledger = new FakeLedger()
  const publisher = new FakeResultPublisher()
  ledger.takeUnpublished.mockImplementation(() => Promise.resolve(batches.shift() ?? []))
  ledger.markPublished.mockResolvedValue()
  publisher.publish.mockResolvedValue()
  return { sweeper: new OutboxSweeper(ledger, publisher), ledger, publisher }
}

const makeBatch = (length: number) => Array.from({ length }, (_, id) => makeOutboxMessage({ id }))

describe(OutboxSweeper.name, () => {
  it('publishes and marks what is older than five seconds, each second', async () => {
    const [old, older] = [makeOutboxMessage({ id: 1 }), makeOutboxMessage({ id: 2 })]
    const { sweeper, ledger, publisher } = makeSweeper([old], [], [older])
    sweeper.start()
    expect(ledger.takeUnpublished).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ledger.takeUnpublished.mock.calls).toEqual([
      [5_000, BATCH],
      [5_000, BATCH],
    ])
    expect(publisher.publish.mock.calls).toEqual([[[old]]])
    expect(ledger.markPublished.mock.calls).toEqual([[[1]]])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ledger.markPublished.mock.calls).toEqual([[[1]], [[2]]])
    await sweeper.stop()
  })

  it('goes on at once while it finds any', async () => {
    const { sweeper, ledger, publisher } = makeSweeper(makeBatch(BATCH), makeBatch(BATCH), makeBatch(1))
    sweeper.start()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(publisher.publish).toHaveBeenCalledTimes(3)
    expect(ledger.takeUnpublished).toHaveBeenCalledTimes(4)
    await sweeper.stop()
  })

  it('publishes nothing when nothing is old', async () => {
    const { sweeper, publisher } = makeSweeper()
    sweeper.start()
    await vi.advanceTimersByTimeAsync(3_000)
    expect(publisher.publish).not.toHaveBeenCalled()
    await sweeper.stop()
  })

  it('warns and tries again a second later when a sweep fails, and marks nothing that is not out', async () => {
    const { sweeper, ledger, publisher } = makeSweeper(makeBatch(1), makeBatch(1), [])
    const error = new Error('the brokers are away')
    publisher.publish.mockRejectedValueOnce(error)
    sweeper.start()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(warn).toHaveBeenCalledWith('the outbox could not be swept', { error })
    expect(ledger.markPublished).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ledger.markPublished).toHaveBeenCalledTimes(1)
    await sweeper.stop()
  })

  it('names a message that its topic refuses, tries it again later and later, and goes on with the others', async () => {
    const error = new TaskError('message_too_large', 'too large for the topic', { retryable: false })
    const [large, small] = [makeOutboxMessage({ id: 7 }), makeOutboxMessage({ id: 8 })]
    const { sweeper, ledger, publisher } = makeSweeper([large, small], [], [large], [], [large])
    publisher.publish.mockImplementation((messages) => (messages.includes(large) ? Promise.reject(error) : Promise.resolve()))
    ledger.postponePublishing.mockResolvedValue()
    sweeper.start()
    await vi.advanceTimersByTimeAsync(3_000)
    expect(ledger.markPublished.mock.calls).toEqual([[[8]]])
    expect(ledger.postponePublishing.mock.calls).toEqual([
      [7, 10_000],
      [7, 20_000],
      [7, 40_000],
    ])
    const named = { outboxId: 7, eventId: large.eventId, channel: large.channel, sizeBytes: large.value.length, nextTryInMs: 10_000, error }
    expect(logError).toHaveBeenNthCalledWith(1, 'a message is refused by its topic', named)
    expect(warn).not.toHaveBeenCalled()
    await sweeper.stop()
  })

  it('sweeps once a second however often it is started', async () => {
    const { sweeper, ledger } = makeSweeper()
    sweeper.start()
    sweeper.start()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ledger.takeUnpublished).toHaveBeenCalledTimes(1)
    await sweeper.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('waits for the batch under way when it is stopped, and takes no further one', async () => {
    const { sweeper, ledger, publisher } = makeSweeper(makeBatch(BATCH), makeBatch(BATCH))
    let ack!: () => void
    publisher.publish.mockImplementationOnce(() => new Promise((resolve) => (ack = resolve)))
    sweeper.start()
    await vi.advanceTimersByTimeAsync(1_000)
    const stopped = vi.fn<() => void>()
    const stopping = sweeper.stop().then(stopped)
    await vi.advanceTimersByTimeAsync(0)
    expect(stopped).not.toHaveBeenCalled()
    ack()
    await stopping
    expect(ledger.markPublished).toHaveBeenCalledTimes(1)
    expect(ledger.takeUnpublished).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('never sweeps after a stop', async () => {
    const { sweeper, ledger } = makeSweeper()
    sweeper.start()
    await sweeper.stop()
    sweeper.start()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(ledger.takeUnpublished).not.toHaveBeenCalled()
  })
})
