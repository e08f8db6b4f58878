import { describe, expect, it } from 'vitest'
import { BOOKED_EVENTS, FOLD } from '../../../libs/db/src/ledger/booking.sql.js'
import { createIntakeGate } from '../../../libs/db/src/ledger/create-intake-gate.js'
import { Books1700000000009 } from '../../../libs/db/src/schema/migrations/0009-books.migration.js'
import { PostgresTaskOperations } from '../../../libs/db/src/operators/postgres-task-operations.js'
import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeTestRejection } from '../../factories/rejection.factory.js'
import { makeFailedEnd, makeRunEnd } from '../../factories/run-end.factory.js'
import { findDifference, readBooks } from './read-books.js'
import { createLedgerDatabase, makeDbSettings } from './test-database.js'
import { openReplica } from './test-replica.js'

const END = {
  error: { code: 'cancelled' as const, message: 'by a test', retryable: false },
  resultEventId: '00000000-0000-4000-8000-000000000001',
  makeResultEvent: () => Buffer.from('{}'),
}

describe('the books of the ledger', () => {
  it('count what is accepted once, however often it is offered, and how runs end', async () => {
    const database = await createLedgerDatabase()
    const { ledger, pool } = await openReplica(database)
    const tasks = Array.from({ length: 8 }, (_, index) => makeNewTask({ taskId: `t-${index}` }))
    await Promise.all(tasks.map((task) => ledger.accept(task)))
    await ledger.accept(tasks[0]!)
    await ledger.reject([makeTestRejection()])
    const claimed = await ledger.claim(makeClaimRoom(5))
    await ledger.finish(makeRunEnd(claimed[0]!))
    await ledger.finish(makeRunEnd(claimed[0]!))
    await ledger.finish(makeFailedEnd(claimed[1]!))
    await ledger.finish(makeRunEnd(claimed[2]!, { outcome: 'expired' }))
    await ledger.defer({ task: claimed[3]!, delayMs: 60_000, reason: 'llm_timeout', deferralClass: 'provider_error', countsAttempt: true })
    await expect(readBooks(database)).resolves.toEqual({ accepted: 8, rejected: 1, succeeded: 1, failed: 1, expired: 1 })
    await expect(findDifference(database)).resolves.toBe(0)
    const operations = new PostgresTaskOperations(pool)
    const [waiting] = await database.sql.rows<{ id: number }>(`SELECT id FROM task_queue WHERE state = 'pending' LIMIT 1`)
    await operations.cancel(waiting!.id, () => END, { actor: 'ada', reason: 'a test' })
    await expect(readBooks(database)).resolves.toMatchObject({ cancelled: 1 })
    await expect(findDifference(database)).resolves.toBe(0)
  })

  it('stay right when the rows of backends that are gone are put together', async () => {
    const database = await createLedgerDatabase()
    const first = await openReplica(database)
    await first.ledger.accept(makeNewTask())
    await first.stop()
    const second = await openReplica(database)
    await second.ledger.accept(makeNewTask())
    await expect
      .poll(async () => {
        await second.pool.run({ text: FOLD }, [])
        return database.sql.value<number>(`SELECT amount::integer FROM ledger_book WHERE backend = 0 AND event = 'accepted'`)
      })
      .toBeGreaterThan(0)
    await expect(readBooks(database)).resolves.toEqual({ accepted: 2 })
  })

  it('begin with what was there before they were kept', async () => {
    const database = await createLedgerDatabase()
    const { ledger, pool } = await openReplica(database)
    await Promise.all(Array.from({ length: 3 }, () => ledger.accept(makeNewTask())))
    const [task] = await ledger.claim(makeClaimRoom(1))
    await ledger.finish(makeRunEnd(task!))
    await ledger.reject([makeTestRejection()])
    const before = await readBooks(database)
    await database.sql.rows('DROP TABLE ledger_book')
    await new Books1700000000009().up({ query: (text: string) => pool.run({ text }, []) } as never)
    await expect(readBooks(database)).resolves.toEqual(before)
  })

  it('are in the sample of the intake gate as of one moment, whatever is under way', async () => {
    const database = await createLedgerDatabase()
    const { ledger, pool } = await openReplica(database)
    const gate = createIntakeGate({ pool, caps: makeDbSettings(database.url).caps, events: { on: () => undefined } as never })
    const busy = { on: true }
    const work = (async () => {
      for (; busy.on;) {
        await Promise.all(Array.from({ length: 20 }, () => ledger.accept(makeNewTask())))
        const tasks = await ledger.claim(makeClaimRoom(15))
        await Promise.all(tasks.map((task, index) => ledger.finish(index % 3 === 0 ? makeFailedEnd(task) : makeRunEnd(task))))
      }
    })()
    for (let round = 0; round < 20; round++) {
      await gate.start()
      gate.stop()
      const { books, pending, deferred, running, held } = gate.lastSample!
      const opened = (books.accepted ?? 0) + (books.redriven ?? 0)
      const ended = BOOKED_EVENTS.filter((event) => ['succeeded', 'failed', 'cancelled', 'expired'].includes(event)).reduce(
        (sum, event) => sum + (books[event] ?? 0),
        0,
      )
      expect(opened - ended).toBe(pending + deferred + running + held)
      Object.assign(gate, { stopped: false })
    }
    busy.on = false
    await work
  })
})
