import { createHash } from 'node:crypto'
import type { NewTask } from '#libs/kernel'
import { describe, expect, it } from 'vitest'
import { PostgresLedger } from '../../../libs/db/src/ledger/postgres-ledger.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeNewTask, makeResend } from '../../factories/new-task.factory.js'
import { makeFailedEnd, makeRunEnd } from '../../factories/run-end.factory.js'
import { createLedgerDatabase } from './test-database.js'
import { claimOne, openReplica, type TestReplica } from './test-replica.js'

const conflictOf = (task: NewTask): NewTask => ({ ...makeResend(task), payloadHash: createHash('sha256').update('other').digest() })

async function finishOne(replica: TestReplica): Promise<void> {
  await replica.ledger.finish(makeRunEnd(await claimOne(replica)))
}

describe(`${PostgresLedger.name}.accept`, () => {
  it('stores a task with every byte of it', async () => {
    const { url, sql } = await createLedgerDatabase()
    const { ledger } = await openReplica({ url })
    const payload = Buffer.from('{"prompt":"NUL \\u0000, 🌊, \\ud800 alone, \\"quotes\\""}')
    const task = makeNewTask({
      tenant: 'team-ж',
      key: Buffer.from([0, 255, 128]),
      payload,
      priority: 9,
      source: { topic: 'llm.tasks', partition: 7, offset: 2n ** 62n + 1n },
      deadlineMs: Date.parse('2031-05-06T07:08:09.123Z'),
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      correlationId: 'c-1',
    })
    await expect(ledger.accept(task)).resolves.toBe('accepted')
    const [row] = await sql.rows<Record<string, unknown>>(`SELECT t.*, t."offset"::text AS offset_text FROM task t`)
    expect(row).toMatchObject({
      tenant: 'team-ж',
      record_key: task.key,
      payload,
      offset_text: String(2n ** 62n + 1n),
      deadline: new Date('2031-05-06T07:08:09.123Z'),
      correlation_id: 'c-1',
    })
  })

  it('says duplicate when the same record comes again', async () => {
    const { url, sql } = await createLedgerDatabase()
    const { ledger } = await openReplica({ url })
    const task = makeNewTask()
    await ledger.accept(task)
    await expect(ledger.accept(task)).resolves.toBe('duplicate')
    await expect(sql.value('SELECT count(*) FROM task')).resolves.toBe(1)
  })

  it('publishes nothing again when the same record of a finished task comes again', async () => {
    const { url, sql } = await createLedgerDatabase()
    const replica = await openReplica({ url })
    const task = makeNewTask()
    await replica.ledger.accept(task)
    await finishOne(replica)
    await sql.rows('DELETE FROM outbox')
    await expect(replica.ledger.accept(task)).resolves.toBe('duplicate')
    await expect(sql.value('SELECT count(*) FROM outbox')).resolves.toBe(0)
  })

  it('publishes the result again when a finished task is sent again', async () => {
    const { url, sql } = await createLedgerDatabase()
    const replica = await openReplica({ url })
    const task = makeNewTask()
    await replica.ledger.accept(task)
    const claimed = await claimOne(replica)
    await replica.ledger.finish(makeFailedEnd(claimed))
    const [first] = await replica.ledger.takeUnpublished(-1_000, 10)
    await sql.rows('DELETE FROM outbox')
    await expect(replica.ledger.accept(makeResend(task))).resolves.toBe('resend')
    const again = await replica.ledger.takeUnpublished(-1_000, 10)
    expect(again).toEqual([{ ...first, id: expect.any(Number) }])
    expect(first).toMatchObject({ channel: 'results', eventId: makeRunEnd(claimed).resultEventId })
  })

  it('publishes nothing when a task is sent again before it has ended', async () => {
    const { url, sql } = await createLedgerDatabase()
    const { ledger } = await openReplica({ url })
    const task = makeNewTask()
    await ledger.accept(task)
    await expect(ledger.accept(makeResend(task))).resolves.toBe('resend')
    await ledger.claim(makeClaimRoom(1))
    await expect(ledger.accept(makeResend(task))).resolves.toBe('resend')
    await expect(sql.value('SELECT count(*) FROM outbox')).resolves.toBe(0)
  })

  it('says conflict and stores nothing when an id comes with another value', async () => {
    const { url, sql } = await createLedgerDatabase()
    const { ledger } = await openReplica({ url })
    const task = makeNewTask()
    await ledger.accept(task)
    await expect(ledger.accept(conflictOf(task))).resolves.toBe('conflict')
    await expect(sql.value('SELECT count(*) FROM task')).resolves.toBe(1)
  })

  it('takes the first of several records of one id in one batch', async () => {
    const { url, sql } = await createLedgerDatabase()
    const { ledger } = await openReplica({ url })
    const task = makeNewTask()
    const results = await Promise.all([task, task, makeResend(task), conflictOf(task)].map((one) => ledger.accept(one)))
    expect(results).toEqual(['accepted', 'duplicate', 'resend', 'conflict'])
    await expect(sql.value('SELECT count(*) FROM task_queue')).resolves.toBe(1)
  })

  it('keeps the same id of two tenants apart', async () => {
    const { ledger } = await openReplica(await createLedgerDatabase())
    const results = await Promise.all([
      ledger.accept(makeNewTask({ taskId: 'same', tenant: 'a' })),
      ledger.accept(makeNewTask({ taskId: 'same', tenant: 'b' })),
    ])
    expect(results).toEqual(['accepted', 'accepted'])
  })

  it('stores the tasks of a batch beside one that PostgreSQL does not take', async () => {
    const { ledger } = await openReplica(await createLedgerDatabase())
    const results = await Promise.allSettled(
      [makeNewTask(), makeNewTask({ correlationId: 'NUL \0' }), makeNewTask()].map((task) => ledger.accept(task)),
    )
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('accepts each task once when two replicas get the same tasks in other orders', async () => {
    const database = await createLedgerDatabase()
    const replicas = [await openReplica(database), await openReplica(database)]
    for (let round = 0; round < 15; round++) {
      const tasks = Array.from({ length: 60 }, (_, index) => {
        const key = index % 3 === 0 ? Buffer.from(`key-${index % 7}`) : null
        return makeNewTask({ key, orderingKey: key })
      })
      const results = await Promise.all(
        [tasks, tasks.toReversed()].map((batch, index) => Promise.all(batch.map((task) => replicas[index]!.ledger.accept(task)))),
      )
      const [forward, backward] = [results[0]!, results[1]!.toReversed()]
      const pairs = forward.map((result, index) => new Set([result, backward[index]]))
      expect(pairs.filter((pair) => !(pair.has('accepted') && pair.has('duplicate')))).toEqual([])
    }
    await expect(database.sql.value('SELECT count(*) FROM task')).resolves.toBe(900)
  })

  it('asks for a delivery again, instead of taking it for stored, when its id has just been removed', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    const task = makeNewTask()
    await ledger.accept(task)
    // Retention takes the id between the insert that finds it and the look at what it is.
    await database.sql.rows(`CREATE FUNCTION forget_identity() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN DELETE FROM task_identity WHERE tenant = NEW.tenant AND task_id = NEW.task_id; RETURN NULL; END'`)
    await database.sql.rows(`CREATE TRIGGER forget_identity BEFORE INSERT ON task_identity FOR EACH ROW EXECUTE FUNCTION forget_identity()`)
    await expect(ledger.accept(task)).rejects.toMatchObject({ code: 'ledger_unavailable', retryable: true })
  })

  it('does not blame the tasks when a partition is missing', async () => {
    const database = await createLedgerDatabase()
    const { ledger } = await openReplica(database)
    await database.sql.rows(`DO $$ DECLARE name text; BEGIN
      FOR name IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'task'::regclass LOOP EXECUTE 'DROP TABLE ' || name; END LOOP;
    END $$`)
    await expect(ledger.accept(makeNewTask())).rejects.toMatchObject({ code: 'ledger_unavailable', retryable: true })
  })
})
