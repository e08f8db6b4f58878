import { describe, expect, it } from 'vitest'
import { PostgresLedger } from '../../../libs/db/src/ledger/postgres-ledger.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeTestRejection } from '../../factories/rejection.factory.js'
import { makeFailedEnd, makeRunEnd } from '../../factories/run-end.factory.js'
import { createLedgerDatabase } from './test-database.js'
import { claimOne, openReplica } from './test-replica.js'

/** Everything, however young. */
const ANY_AGE_MS = -1_000

describe(`${PostgresLedger.name}.reject`, () => {
  it('stores the bytes and gives the dead letter to publish', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    const rejection = makeTestRejection({ key: Buffer.from([0, 1]), value: Buffer.from([0, 255]) })
    await expect(ledger.reject([rejection])).resolves.toEqual([
      {
        id: expect.any(Number),
        channel: 'dead_letters',
        eventId: rejection.eventId,
        key: rejection.key,
        value: rejection.deadLetter,
        traceparent: null,
        correlationId: null,
      },
    ])
    await expect(database.sql.rows('SELECT record_key, value, error_code FROM rejected_delivery')).resolves.toEqual([
      { record_key: rejection.key, value: rejection.value, error_code: 'invalid_json' },
    ])
  })

  it('stores another value at a place that was rejected before, and publishes each dead letter as its own', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    const first = makeTestRejection({ deadLetter: Buffer.from('{"n":1}') })
    const second = makeTestRejection({ source: first.source, value: Buffer.from('{other'), deadLetter: Buffer.from('{"n":2}') })
    await ledger.reject([first])
    expect((await ledger.reject([second])).map(({ eventId, value }) => [eventId, value.toString()])).toEqual([[second.eventId, '{"n":2}']])
    expect(await ledger.reject([first, second])).toEqual([])
    const swept = await ledger.takeUnpublished(ANY_AGE_MS, 10)
    expect(swept.map(({ eventId, value }) => [eventId, value.toString()])).toEqual([
      [first.eventId, '{"n":1}'],
      [second.eventId, '{"n":2}'],
    ])
  })

  it('gives nothing to publish when the delivery was rejected before', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    const [first, second] = [makeTestRejection({ value: null }), makeTestRejection()]
    await ledger.reject([first])
    const messages = await ledger.reject([first, second])
    expect(messages.map(({ eventId }) => eventId)).toEqual([second.eventId])
    await expect(database.sql.value('SELECT count(*) FROM outbox')).resolves.toBe(2)
  })
})

describe(`${PostgresLedger.name}.takeUnpublished`, () => {
  it('gives every kind of message as it was written down', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    const { ledger } = replica
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    await ledger.accept(makeNewTask({ key: Buffer.from('k'), traceparent, correlationId: 'c' }))
    const end = makeFailedEnd(await claimOne(replica))
    await ledger.finish(end)
    const rejection = makeTestRejection()
    await ledger.reject([rejection])
    const messages = await ledger.takeUnpublished(ANY_AGE_MS, 10)
    const shared = { key: Buffer.from('k'), traceparent, correlationId: 'c' }
    expect(messages).toHaveLength(3)
    expect(messages).toEqual(
      expect.arrayContaining([
        { ...shared, id: expect.any(Number), channel: 'results', eventId: end.resultEventId, value: end.makeResultEvent(undefined) },
        { ...shared, id: expect.any(Number), channel: 'dead_letters', eventId: end.deadLetter!.eventId, value: end.deadLetter!.value },
        expect.objectContaining({ channel: 'dead_letters', eventId: rejection.eventId, value: rejection.deadLetter, traceparent: null }),
      ]),
    )
  })

  it('leaves alone what is young, and what another replica has just taken', async () => {
    const database = await createLedgerDatabase()
    const [one, two] = [await openReplica(database), await openReplica(database)]
    await one.ledger.reject([makeTestRejection(), makeTestRejection()])
    await expect(one.ledger.takeUnpublished(5_000, 10)).resolves.toEqual([])
    await database.sql.rows(`UPDATE outbox SET created_at = now() - interval '6 seconds'`)
    const taken = await Promise.all([one.ledger.takeUnpublished(5_000, 10), two.ledger.takeUnpublished(5_000, 10)])
    expect(taken.flat()).toHaveLength(2)
    await expect(two.ledger.takeUnpublished(5_000, 10)).resolves.toEqual([])
    await database.sql.rows(`UPDATE outbox SET created_at = now() - interval '6 seconds'`)
    await expect(two.ledger.takeUnpublished(5_000, 10)).resolves.toHaveLength(2)
  })

  it('takes no more bytes than fit into memory, whatever their number, and the rest after them', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    const large = Array.from({ length: 5 }, () => makeTestRejection({ deadLetter: Buffer.alloc(3 * 1024 ** 2, 'x') }))
    await ledger.reject(large)
    const takes = [await ledger.takeUnpublished(ANY_AGE_MS, 10)]
    await database.sql.rows(`DELETE FROM outbox WHERE id = ANY($1)`, [takes[0]!.map(({ id }) => id)])
    takes.push(await ledger.takeUnpublished(ANY_AGE_MS, 10))
    expect(takes.map(({ length }) => length)).toEqual([3, 2])
  })

  it('takes no more than it may', async () => {
    const { ledger } = await openReplica(await createLedgerDatabase())
    await ledger.reject(Array.from({ length: 5 }, () => makeTestRejection()))
    await expect(ledger.takeUnpublished(ANY_AGE_MS, 3)).resolves.toHaveLength(3)
  })
})

describe(`${PostgresLedger.name}.markPublished`, () => {
  it('removes what is out, once or again', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const result = await replica.ledger.finish(makeRunEnd(await claimOne(replica)))
    const ids = result.kind === 'finished' ? result.outbox.map(({ id }) => id) : []
    await replica.ledger.markPublished(ids)
    await replica.ledger.markPublished([...ids, 999_999])
    await expect(database.sql.value('SELECT count(*) FROM outbox')).resolves.toBe(0)
  })
})

describe(`${PostgresLedger.name}.postponePublishing`, () => {
  it('leaves a message alone until its delay has passed', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    const [message, other] = await ledger.reject([makeTestRejection(), makeTestRejection()])
    await ledger.postponePublishing(message!.id, 3_600_000)
    expect((await ledger.takeUnpublished(ANY_AGE_MS, 10)).map(({ id }) => id)).toEqual([other!.id])
    expect((await ledger.takeUnpublished(-3_601_000, 10)).map(({ id }) => id)).toContain(message!.id)
  })
})
