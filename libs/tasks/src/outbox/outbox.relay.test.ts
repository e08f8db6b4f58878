import { Logger } from '@nestjs/common'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { OutboxMessage } from '#libs/kernel'
import { makeOutboxMessage } from '../../../../test/factories/outbox-message.factory.js'
import { FakeLedger } from '../../../../test/fakes/fake-ledger.js'
import { FakeResultPublisher } from '../../../../test/fakes/fake-result.publisher.js'
import { OutboxRelay } from './outbox.relay.js'

const MEBIBYTE = 1_048_576

const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue()

beforeEach(() => {
  warn.mockClear()
})

function makeRelay() {
  const ledger = new FakeLedger()
  const publisher = new FakeResultPublisher()
  publisher.publish.mockResolvedValue()
  ledger.markPublished.mockResolvedValue()
  const groups = () => publisher.publish.mock.calls.map(([messages]) => messages.map(({ id }) => id))
  return { relay: new OutboxRelay(ledger, publisher), ledger, publisher, groups }
}

function makeMessages(count: number, fields: Partial<OutboxMessage> = {}): OutboxMessage[] {
  return Array.from({ length: count }, (_, index) => makeOutboxMessage({ id: index + 1, ...fields }))
}

describe(OutboxRelay.name, () => {
  it('publishes what it is given in one group, then marks it as published', async () => {
    const { relay, ledger, publisher } = makeRelay()
    const [first, second] = [makeOutboxMessage({ id: 1 }), makeOutboxMessage({ id: 2 })]
    relay.publish([first])
    relay.publish([second])
    await relay.whenIdle()
    expect(publisher.publish.mock.calls).toEqual([[[first, second]]])
    expect(ledger.markPublished.mock.calls).toEqual([[[1, 2]]])
    expect(publisher.publish.mock.invocationCallOrder[0]).toBeLessThan(ledger.markPublished.mock.invocationCallOrder[0]!)
  })

  it('splits what it is given into groups of 500', async () => {
    const { relay, groups } = makeRelay()
    relay.publish(makeMessages(501))
    await relay.whenIdle()
    expect(groups().map(({ length }) => length)).toEqual([500, 1])
  })

  it('splits what it is given into groups of 4 MiB', async () => {
    const { relay, groups } = makeRelay()
    relay.publish(makeMessages(5, { value: Buffer.alloc(2 * MEBIBYTE) }))
    await relay.whenIdle()
    expect(groups()).toEqual([[1, 2], [3, 4], [5]])
  })

  it('leaves messages to the sweeper, unmarked and with a warning, when they cannot be published', async () => {
    const { relay, ledger, publisher } = makeRelay()
    const error = new Error('the brokers are away')
    publisher.publish.mockRejectedValueOnce(error)
    relay.publish(makeMessages(2))
    await relay.whenIdle()
    expect(ledger.markPublished).not.toHaveBeenCalled()
    expect(warn).toHaveBeenCalledWith('messages were not published: the sweeper will take them', { error, count: 2 })
    relay.publish(makeMessages(1))
    await relay.whenIdle()
    expect(ledger.markPublished).toHaveBeenCalledTimes(1)
  })

  it('warns once in an outage, and again in the next one', async () => {
    const { relay, publisher } = makeRelay()
    const publishOne = async () => {
      relay.publish(makeMessages(1))
      await relay.whenIdle()
    }
    publisher.publish.mockRejectedValueOnce(new Error('away')).mockRejectedValueOnce(new Error('away'))
    await publishOne()
    await publishOne()
    expect(warn).toHaveBeenCalledTimes(1)
    await publishOne()
    publisher.publish.mockRejectedValueOnce(new Error('away'))
    await publishOne()
    expect(warn).toHaveBeenCalledTimes(2)
  })

  it('warns when published messages cannot be marked', async () => {
    const { relay, ledger } = makeRelay()
    ledger.markPublished.mockRejectedValueOnce(new Error('away'))
    relay.publish(makeMessages(1))
    await relay.whenIdle()
    expect(warn).toHaveBeenCalledTimes(1)
  })

  it('drops what is more than 20,000 messages, and takes messages again when those are out', async () => {
    const { relay, groups } = makeRelay()
    relay.publish(makeMessages(20_005))
    await relay.whenIdle()
    expect(groups().flat().length).toBe(20_000)
    relay.publish([makeOutboxMessage({ id: 30_000 })])
    await relay.whenIdle()
    expect(groups().at(-1)).toEqual([30_000])
  })

  it('drops what comes after 64 MiB, and takes messages again when those are out, even if they failed', async () => {
    const { relay, groups, publisher } = makeRelay()
    publisher.publish.mockRejectedValue(new Error('the brokers are away'))
    relay.publish(makeMessages(5, { value: Buffer.alloc(16 * MEBIBYTE) }))
    await relay.whenIdle()
    expect(groups().flat()).toEqual([1, 2, 3, 4])
    relay.publish([makeOutboxMessage({ id: 9 })])
    await relay.whenIdle()
    expect(groups().at(-1)).toEqual([9])
  })

  it('is idle only when everything that was handed over has ended', async () => {
    const { relay, publisher } = makeRelay()
    let ack!: () => void
    publisher.publish.mockImplementation(() => new Promise((resolve) => (ack = resolve)))
    const idle = vi.fn<() => void>()
    relay.publish(makeMessages(1))
    const waited = relay.whenIdle().then(idle)
    await vi.waitUntil(() => publisher.publish.mock.calls.length === 1)
    expect(idle).not.toHaveBeenCalled()
    ack()
    await waited
    expect(idle).toHaveBeenCalledTimes(1)
  })
})
