import { describe, expect, it, vi } from 'vitest'
import { migrate, missingMigrations, MIGRATIONS } from '../../../libs/db/src/schema/migrator.js'
import { PartitionKeeper } from '../../../libs/db/src/schema/partitions.js'
import { applyRetention } from '../../../libs/db/src/schema/retention.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeTestRejection } from '../../factories/rejection.factory.js'
import { makeRunEnd } from '../../factories/run-end.factory.js'
import { createEmptyDatabase, createLedgerDatabase, openPool, type TestDatabase } from './test-database.js'
import { claimOne, openReplica } from './test-replica.js'

const NAMES = MIGRATIONS.map(({ name }) => name)
const RETENTION = { historyDays: 30, identityDays: 8 }

async function countPartitions({ sql }: TestDatabase): Promise<Record<string, number>> {
  const rows = await sql.rows<{ table: string; partitions: number }>(
    `SELECT inhparent::regclass::text AS table, count(*) AS partitions FROM pg_inherits i
     JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relkind = 'r' GROUP BY 1`,
  )
  return Object.fromEntries(rows.map(({ table, partitions }) => [table, partitions]))
}

describe(migrate.name, () => {
  it('is done by one of two replicas that start together', async () => {
    const { url } = await createEmptyDatabase()
    const reports = await Promise.all([migrate(url), migrate(url), migrate(url)])
    expect(reports.flatMap(({ applied }) => applied)).toEqual(NAMES)
  })

  it('does nothing when the schema is there', async () => {
    const { url } = await createLedgerDatabase()
    await expect(migrate(url)).resolves.toEqual({ applied: [] })
  })
})

describe(missingMigrations.name, () => {
  it('names what an empty database lacks', async () => {
    const { url } = await createEmptyDatabase()
    await expect(missingMigrations(url)).resolves.toEqual(NAMES)
  })

  it('is content with a schema that is newer', async () => {
    const database = await createLedgerDatabase()
    await database.sql.rows(`INSERT INTO schema_migration (timestamp, name) VALUES (9999999999999, 'FromTheNextRelease9999999999999')`)
    await expect(missingMigrations(database.url)).resolves.toEqual([])
  })
})

describe(PartitionKeeper.name, () => {
  it('makes the partitions of four days once, when several replicas start together', async () => {
    const database = await createEmptyDatabase()
    await migrate(database.url)
    const keepers = Array.from(
      { length: 3 },
      () => new PartitionKeeper(openPool(database), RETENTION, { onError: () => {}, onRemoved: () => {} }),
    )
    await Promise.all(keepers.map((keeper) => keeper.start()))
    keepers.forEach((keeper) => keeper.stop())
    await expect(countPartitions(database)).resolves.toEqual({ task: 4, attempt: 4, answer: 4, run_record: 4 })
  })

  it('makes a partition that is missing within a minute', async () => {
    const database = await createEmptyDatabase()
    await migrate(database.url)
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const keeper = new PartitionKeeper(openPool(database), RETENTION, { onError: () => {}, onRemoved: () => {} })
    try {
      await keeper.start()
      const table = await database.sql.value(`SELECT 'answer_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')`)
      await database.sql.rows(`DROP TABLE ${String(table)}`)
      vi.advanceTimersByTime(60_000)
      await expect.poll(() => countPartitions(database)).toEqual({ task: 4, attempt: 4, answer: 4, run_record: 4 })
    } finally {
      keeper.stop()
      vi.useRealTimers()
    }
  })
})

describe(applyRetention.name, () => {
  it('drops a day in which everything has ended, and forgets its ids', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    await replica.ledger.finish(makeRunEnd(await claimOne(replica)))
    await replica.ledger.reject([makeTestRejection()])
    await database.sql.rows('DELETE FROM outbox')
    await makeOlder(database, 40)
    const report = await applyRetention(openPool(database), RETENTION, () => false)
    expect(report).toMatchObject({ days: [expect.stringMatching(/^\d{8}$/)], identities: 1, rejections: 1 })
    await expect(countPartitions(database)).resolves.toEqual({ task: 4, attempt: 4, answer: 4, run_record: 4 })
  })

  it('keeps a day in which something waits or is not published', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    await replica.ledger.accept(makeNewTask())
    await replica.ledger.finish(makeRunEnd(await claimOne(replica)))
    await makeOlder(database, 40)
    await expect(applyRetention(openPool(database), RETENTION, () => false)).resolves.toMatchObject({ days: [] })
    await database.sql.rows('DELETE FROM outbox')
    await expect(applyRetention(openPool(database), RETENTION, () => false)).resolves.toMatchObject({ days: [expect.any(String)] })
  })

  it('keeps a day of which a message came back while it was about to be dropped: the look and the drop were once two transactions', async () => {
    const database = await createLedgerDatabase()
    const day = await makeOldRun(database)
    const resent = Promise.withResolvers<void>()
    const resend = openPool(database).transaction(async (transaction) => {
      await transaction.run(
        {
          text: `INSERT INTO outbox (channel, accepted_on, task_number, run) SELECT 'results', accepted_on, task_number, run FROM run_record`,
        },
        [],
      )
      await resent.promise
    })
    await expect.poll(() => database.sql.value(`SELECT count(*) FROM pg_locks WHERE relation = 'run_record'::regclass`)).toBe(1)
    const retention = applyRetention(openPool(database), RETENTION, () => false)
    await expect.poll(() => database.sql.value(`SELECT count(*) FROM pg_locks WHERE NOT granted`)).toBe(1)
    resent.resolve()
    await resend
    await expect(retention).resolves.toMatchObject({ days: [] })
    await expect(database.sql.value(`SELECT to_regclass('run_record_${day}') IS NOT NULL`)).resolves.toBe(true)
  })

  it('leaves a day that is in use to the next time, and does the rest', async () => {
    const database = await createLedgerDatabase()
    const day = await makeOldRun(database)
    const read = Promise.withResolvers<void>()
    const reader = openPool(database).transaction(async (transaction) => {
      await transaction.run({ text: 'SELECT FROM run_record' }, [])
      await read.promise
    })
    await expect.poll(() => database.sql.value(`SELECT count(*) FROM pg_locks WHERE relation = 'run_record'::regclass`)).toBe(1)
    await expect(applyRetention(openPool(database), RETENTION, () => false)).resolves.toEqual({
      days: [],
      postponed: [day],
      identities: 1,
      rejections: 0,
    })
    read.resolve()
    await reader
    await expect(applyRetention(openPool(database), RETENTION, () => false)).resolves.toMatchObject({ days: [day], postponed: [] })
  })

  it('drops a day once when two replicas do it at the same time', async () => {
    const database = await createLedgerDatabase()
    const day = await makeOldRun(database)
    const reports = await Promise.all([1, 2].map(() => applyRetention(openPool(database), RETENTION, () => false)))
    expect(reports.flatMap(({ days }) => days)).toEqual([day])
  })

  it('keeps ids for ever when it is told so', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    const task = makeNewTask()
    await replica.ledger.accept(task)
    await replica.ledger.finish(makeRunEnd(await claimOne(replica)))
    await database.sql.rows('DELETE FROM outbox')
    await makeOlder(database, 400)
    const report = await applyRetention(openPool(database), { historyDays: 30, identityDays: undefined }, () => false)
    expect(report).toMatchObject({ identities: 0, days: [expect.any(String)] })
    await expect(replica.ledger.accept(task)).resolves.toBe('duplicate')
  })
})

/** A day in which one run has ended and everything is out. Returns it as its tables are called. */
async function makeOldRun(database: TestDatabase): Promise<string> {
  const replica = await openReplica(database)
  await replica.ledger.accept(makeNewTask())
  await replica.ledger.finish(makeRunEnd(await claimOne(replica)))
  await replica.stop()
  await database.sql.rows('DELETE FROM outbox')
  await makeOlder(database, 40)
  const day = await database.sql.value(`SELECT to_char(accepted_on, 'YYYYMMDD') FROM run_record`)
  return String(day)
}

/** Moves everything of today to a day in the past, as if it had been accepted then. */
async function makeOlder({ sql }: TestDatabase, days: number): Promise<void> {
  const [row] = await sql.rows<{ today: string; past: string; next: string }>(
    `SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD') AS today,
            to_char((now() AT TIME ZONE 'UTC')::date - $1::integer, 'YYYY-MM-DD') AS past,
            to_char((now() AT TIME ZONE 'UTC')::date - $1::integer + 1, 'YYYY-MM-DD') AS next`,
    [days],
  )
  const { today, past, next } = row!
  for (const table of ['task', 'attempt', 'answer', 'run_record']) {
    const name = `${table}_${past.replaceAll('-', '')}`
    await sql.rows(`CREATE TABLE ${name} PARTITION OF ${table} FOR VALUES FROM ('${past}') TO ('${next}')`)
    await sql.rows(`UPDATE ${table} SET accepted_on = '${past}' WHERE accepted_on = to_date('${today}', 'YYYYMMDD')`)
  }
  await sql.rows(`UPDATE task_identity SET accepted_on = '${past}'`)
  await sql.rows(`UPDATE outbox SET accepted_on = '${past}' WHERE accepted_on IS NOT NULL`)
  await sql.rows(`UPDATE rejected_delivery SET received_at = received_at - make_interval(days => $1)`, [days])
}
