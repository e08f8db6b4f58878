import { describe, expect, it, vi } from 'vitest'
import { PostgresLedger } from '../../../libs/db/src/ledger/postgres-ledger.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeAttemptEnd } from '../../factories/attempt-end.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeFailedEnd, makeRunEnd } from '../../factories/run-end.factory.js'
import { openProxiedReplica } from './proxied-replica.js'
import { createLedgerDatabase } from './test-database.js'
import { claimOne, openReplica } from './test-replica.js'

describe(`${PostgresLedger.name}.finish`, () => {
  it('keeps a statement below 8 MiB when large results end together: a batch of 256 was once a hundred', async () => {
    const { ledger, pool } = await openReplica(await createLedgerDatabase())
    await Promise.all(Array.from({ length: 20 }, () => ledger.accept(makeNewTask())))
    const event = Buffer.alloc(1024 * 1024)
    const run = vi.spyOn(pool, 'run')
    const tasks = await ledger.claim(makeClaimRoom(20))
    await Promise.all(tasks.map((task) => ledger.finish(makeRunEnd(task, { makeResultEvent: () => event, sizeBytes: event.length }))))
    const sizes = run.mock.calls
      .filter(([{ name }]) => name === 'finish')
      .map(([, values]) => values.reduce<number>((sum, value) => sum + (Buffer.isBuffer(value) ? value.length : 0), 0))
    expect(sizes).toHaveLength(3)
    expect(Math.max(...sizes)).toBeLessThan(9 * 1024 * 1024)
  })

  it('writes the terminal record and its message together', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask({ key: Buffer.from('k'), correlationId: 'c' }))
    const task = await claimOne(replica)
    const end = makeRunEnd(task, {
      usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30, precached_prompt_tokens: 4 },
      model: 'GigaChat-2:2.0.28.2',
      finishReason: 'stop',
      outputRef: { bucket: 'b', key: 'answers/1', sha256: 'ab', size: 9 },
      promptVersion: 'summary@2',
    })
    const result = await replica.ledger.finish(end)
    expect(result).toEqual({
      kind: 'finished',
      outbox: [
        {
          id: expect.any(Number),
          channel: 'results',
          eventId: end.resultEventId,
          key: Buffer.from('k'),
          value: end.makeResultEvent(undefined),
          traceparent: null,
          correlationId: 'c',
        },
      ],
    })
    const [row] = await database.sql.rows<Record<string, unknown>>('SELECT * FROM run_record')
    expect(row).toMatchObject({
      outcome: 'succeeded',
      attempts: 1,
      prompt_tokens: 10,
      completion_tokens: 20,
      precached_tokens: 4,
      model: 'GigaChat-2:2.0.28.2',
      finish_reason: 'stop',
      output_ref: { bucket: 'b', key: 'answers/1', sha256: 'ab', size: 9 },
      prompt_version: 'summary@2',
      key_sequence: null,
      dead_letter_event_id: null,
    })
    await expect(database.sql.value('SELECT count(*) FROM task_queue')).resolves.toBe(0)
  })

  it('has two messages for a failed run, and ends its attempt', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    const end = makeFailedEnd(task, { attemptEnd: makeAttemptEnd(task, { httpStatus: 400 }) })
    const result = await replica.ledger.finish(end)
    const events = result.kind === 'finished' ? Object.fromEntries(result.outbox.map(({ channel, eventId }) => [channel, eventId])) : {}
    expect(events).toEqual({ dead_letters: end.deadLetter!.eventId, results: end.resultEventId })
    await expect(database.sql.rows('SELECT state, http_status FROM attempt')).resolves.toEqual([{ state: 'refused', http_status: 400 }])
    await expect(database.sql.rows('SELECT error_code, error_fingerprint, error_retryable FROM run_record')).resolves.toEqual([
      { error_code: 'llm_bad_request', error_fingerprint: 'f00d', error_retryable: false },
    ])
  })

  it.each(['simple', 'with an attempt end', 'with an ordering key'])(
    'is fenced and changes nothing when the lease was lost (%s)',
    async (shape) => {
      const database = await createLedgerDatabase()
      const replica = await openReplica(database)
      const key = shape === 'with an ordering key' ? Buffer.from('k') : null
      await replica.ledger.accept(makeNewTask({ key, orderingKey: key }))
      const task = await claimOne(replica)
      await database.sql.rows('UPDATE task_queue SET lease_id = lease_id + 1')
      const end = makeRunEnd(task, shape === 'with an attempt end' ? { attemptEnd: makeAttemptEnd(task) } : {})
      await expect(replica.ledger.finish(end)).resolves.toEqual({ kind: 'fenced' })
      await expect(
        database.sql.rows('SELECT (SELECT count(*) FROM run_record) AS runs, (SELECT count(*) FROM outbox) AS outbox'),
      ).resolves.toEqual([{ runs: 0, outbox: 0 }])
    },
  )

  it('is fenced at the second call for one claim', async () => {
    const replica = await openReplica(await createLedgerDatabase())
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    const results = [await replica.ledger.finish(makeRunEnd(task)), await replica.ledger.finish(makeFailedEnd(task))]
    expect(results.map(({ kind }) => kind)).toEqual(['finished', 'fenced'])
  })

  it('tells each task of a batch its own result', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    const keys = [null, null, Buffer.from('a'), Buffer.from('b'), null]
    await Promise.all(keys.map((key) => ledger.accept(makeNewTask({ key, orderingKey: key }))))
    const tasks = await ledger.claim(makeClaimRoom(10))
    await database.sql.rows('UPDATE task_queue SET lease_id = lease_id + 1 WHERE id = $1', [tasks[1]!.id])
    const ends = tasks.map((task, index) => (index === 4 ? makeFailedEnd(task, { attemptEnd: makeAttemptEnd(task) }) : makeRunEnd(task)))
    const results = await Promise.all(ends.map((end) => ledger.finish(end)))
    expect(results.map((result) => (result.kind === 'finished' ? result.outbox.length : 'fenced'))).toEqual([1, 'fenced', 1, 1, 2])
    const wrong = results.filter(
      (result, index) => result.kind === 'finished' && !result.outbox.some(({ eventId }) => eventId === ends[index]!.resultEventId),
    )
    expect(wrong).toEqual([])
  })

  it('ends a task whatever the provider calls its model and its reason', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    const end = makeRunEnd(await claimOne(replica), {
      model: 'odd \0 model',
      finishReason: 'st\0p',
      usage: { prompt_tokens: 1e12, completion_tokens: -5, total_tokens: Number.NaN },
    })
    await expect(replica.ledger.finish(end)).resolves.toMatchObject({ kind: 'finished' })
    await expect(database.sql.rows('SELECT model, finish_reason, prompt_tokens FROM run_record')).resolves.toEqual([
      { model: 'odd \u{FFFD} model', finish_reason: 'st\u{FFFD}p', prompt_tokens: 2_147_483_647 },
    ])
  })

  it('tells that a task has finished when PostgreSQL did it and its answer was lost', async () => {
    const database = await createLedgerDatabase()
    const replica = await openProxiedReplica(database)
    await replica.ledger.accept(makeNewTask())
    const task = await claimOne(replica)
    replica.proxy.deafen()
    const ended = replica.ledger.finish(makeRunEnd(task))
    await expect.poll(() => database.sql.value('SELECT count(*) FROM run_record')).toBe(1)
    replica.proxy.cut()
    // Its message is the sweeper's.
    await expect(ended).resolves.toEqual({ kind: 'finished', outbox: [] })
    await expect(database.sql.value('SELECT count(*) FROM outbox')).resolves.toBe(1)
  })
})
