import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { makeRejectionEventId } from '#libs/contracts'
import { TaskError, type Delivery } from '#libs/kernel'
import { makeDelivery } from '../../../../test/factories/delivery.factory.js'
import { makeFingerprint } from '../run/result-event.js'
import { makeRejection } from './rejection.js'

const error = new TaskError('invalid_message', 'priority: must be at most 9', { retryable: false, cause: new Error('why') })

function readDeadLetter(delivery: Delivery, known: { taskId?: string; tenant?: string } = {}): object {
  return JSON.parse(makeRejection(delivery, { error, ...known }).deadLetter.toString()) as object
}

describe(makeRejection.name, () => {
  it('says where the record lies, why it was refused and what it was', () => {
    const delivery = makeDelivery({ offset: 2n ** 60n, key: Buffer.from('k'), value: Buffer.from('{}') })
    expect(readDeadLetter(delivery, { taskId: 'a', tenant: 'acme' })).toEqual({
      event_id: makeRejectionEventId('llm.tasks', 0, 2n ** 60n, createHash('sha256').update('{}').digest('hex')),
      kind: 'rejected',
      source: { topic: 'llm.tasks', partition: 0, offset: '1152921504606846976', key: Buffer.from('k').toString('base64') },
      tenant: 'acme',
      task_id: 'a',
      error: {
        code: 'invalid_message',
        message: 'priority: must be at most 9',
        fingerprint: makeFingerprint(error, 'llm.tasks'),
        causes: ['Error: why'],
      },
      attempts: 0,
      original: Buffer.from('{}').toString('base64'),
      at: '2026-01-02T00:00:00.000Z',
    })
  })

  it('keeps the bytes of the record, and has the id of its event beside the event', () => {
    const delivery = makeDelivery({ key: Buffer.from('k') })
    const { topic, partition, offset, key, value } = delivery
    expect(makeRejection(delivery, { error })).toMatchObject({
      source: { topic, partition, offset },
      key,
      value,
      error,
      eventId: makeRejectionEventId(topic, partition, offset, createHash('sha256').update(value!).digest('hex')),
    })
  })

  it('keeps neither a value of more than 16 MiB nor a key of more than 64 KiB, but says what the value was', () => {
    const delivery = makeDelivery({ key: Buffer.alloc(65_537), value: Buffer.alloc(16 * 1_024 ** 2 + 1) })
    const sha256 = createHash('sha256').update(delivery.value!).digest('hex')
    expect(makeRejection(delivery, { error })).toMatchObject({ key: null, value: null })
    const letter = readDeadLetter(delivery)
    expect(letter).toHaveProperty('error.message', `priority: must be at most 9; the value is not kept: 16777217 bytes, SHA-256 ${sha256}`)
    expect(letter).not.toHaveProperty('original_ref')
    expect(makeRejection(makeDelivery({ value: Buffer.alloc(16 * 1_024 ** 2) }), { error }).value).toHaveLength(16 * 1_024 ** 2)
  })

  it('has another id for another value at the same place: a topic that is made anew has the same places again', () => {
    const ids = [Buffer.from('a'), Buffer.from('b'), Buffer.alloc(0), null].map(
      (value) => makeRejection(makeDelivery({ value }), { error }).eventId,
    )
    expect(new Set(ids).size).toBe(4)
  })

  it('is the same whenever it is made again', () => {
    const delivery = makeDelivery()
    expect(makeRejection(delivery, { error })).toEqual(makeRejection(delivery, { error }))
  })

  it('leaves out what a tombstone does not have, and what could not be read', () => {
    const letter = readDeadLetter(makeDelivery({ value: null }))
    expect(Object.keys(letter)).toEqual(['event_id', 'kind', 'source', 'error', 'attempts', 'at'])
    expect(letter).not.toHaveProperty('source.key')
  })

  it('has an original of up to 512 KiB in it', () => {
    const letter = readDeadLetter(makeDelivery({ value: Buffer.alloc(524_288) }))
    expect(letter).toHaveProperty('original')
    expect(letter).not.toHaveProperty('original_ref')
  })

  it('says where a larger original lies: it once had neither', () => {
    const value = Buffer.alloc(524_289)
    const delivery = makeDelivery({ value, partition: 3, offset: 2n ** 60n })
    const letter = readDeadLetter(delivery)
    expect(letter).not.toHaveProperty('original')
    expect(letter).toHaveProperty('original_ref', {
      store: 'ledger',
      table: 'rejected_delivery',
      topic: 'llm.tasks',
      partition: 3,
      offset: '1152921504606846976',
      sha256: createHash('sha256').update(value).digest('hex'),
      size: 524_289,
    })
    expect(makeRejection(delivery, { error }).value).toBe(value)
  })
})
