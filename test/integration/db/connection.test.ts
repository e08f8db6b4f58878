import { randomBytes } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TaskError } from '#libs/kernel'
import { TcpProxy } from '#tools/rig'
import { describe, expect, it, onTestFinished } from 'vitest'
import { HotPool } from '../../../libs/db/src/connection/hot-pool.js'
import { readUrls } from '../../../libs/db/src/connection/read-urls.js'
import { dbSettings } from '../../../libs/db/src/db.settings.js'
import { makeTemporaryFolder } from '../../factories/temporary-folder.factory.js'
import { createEmptyDatabase, makeDbSettings, type TestDatabase } from './test-database.js'

const ONE = { name: 'one', text: 'SELECT 1 AS one' }

async function openPool(url: string, env: Readonly<Record<string, string>> = {}): Promise<HotPool> {
  const pool = new HotPool(makeDbSettings(url, env))
  onTestFinished(() => pool.close())
  return pool
}

async function openProxiedPool(database: TestDatabase, env: Readonly<Record<string, string>>) {
  const { proxy, url } = await TcpProxy.before(database.url)
  const pool = await openPool(url, env)
  onTestFinished(() => proxy.close())
  return { proxy, pool }
}

describe(HotPool.name, () => {
  it('connects with the password that is valid by then: a rotated one once needed a restart', async () => {
    const { url, sql } = await createEmptyDatabase()
    const role = `rotated_${randomBytes(4).toString('hex')}`
    onTestFinished(() => void sql.rows(`DROP ROLE ${role}`))
    await sql.rows(`CREATE ROLE ${role} LOGIN PASSWORD 'first'`)
    const withPassword = (password: string) => Object.assign(new URL(url), { username: role, password }).href
    const [folder, env] = [makeTemporaryFolder(), (file: string) => ({ DATABASE_URL_FILE: file })]
    const file = join(folder, 'url')
    await writeFile(file, withPassword('first'))
    const settings = dbSettings.parse(env(file))
    const pool = new HotPool({ ...settings, readUrl: () => readUrls(settings, () => dbSettings.parse(env(file))).url })
    onTestFinished(() => pool.close())
    await pool.run(ONE, [])
    await sql.rows(`ALTER ROLE ${role} PASSWORD 'second'`)
    await sql.rows(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`)
    await expect.poll(() => pool.run(ONE, []).catch((error: unknown) => error)).toMatchObject({ code: 'ledger_unavailable' })
    await writeFile(join(folder, 'next'), withPassword('second'))
    await rename(join(folder, 'next'), file)
    await expect(pool.run(ONE, [])).resolves.toEqual([{ one: 1 }])
    await rm(file)
    await expect(pool.run(ONE, [])).resolves.toEqual([{ one: 1 }])
  })

  it('ends what a frozen replica has left open, so that its locks are free', async () => {
    const database = await createEmptyDatabase()
    await database.sql.rows('CREATE TABLE row_of_all (id integer)')
    const pool = await openPool(database.url, { DATABASE_STATEMENT_TIMEOUT_MS: '500' })
    const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>()
    const { promise: locked, resolve: noteLock } = Promise.withResolvers<void>()
    const frozen = pool.transaction(async (transaction) => {
      await transaction.run({ text: 'LOCK TABLE row_of_all' }, [])
      noteLock()
      await thawed
      await transaction.run({ text: 'INSERT INTO row_of_all VALUES (1)' }, [])
    })
    frozen.catch(() => undefined)
    await locked
    await expect(database.sql.rows('INSERT INTO row_of_all VALUES (2)')).resolves.toEqual([])
    thaw()
    await expect(frozen).rejects.toMatchObject({ code: 'ledger_unavailable', retryable: true })
    await expect(pool.run({ text: 'SELECT id FROM row_of_all' }, [])).resolves.toEqual([{ id: 2 }])
  })

  it('loses one query and is well again when its only connection is half-open', async () => {
    const { proxy, pool } = await openProxiedPool(await createEmptyDatabase(), {
      DATABASE_POOL_SIZE: '2',
      DATABASE_STATEMENT_TIMEOUT_MS: '300',
      DATABASE_QUERY_TIMEOUT_MS: '400',
    })
    await pool.run(ONE, [])
    proxy.kill()
    await expect(pool.run(ONE, [])).rejects.toMatchObject({ code: 'ledger_unavailable', retryable: true })
    await expect(pool.run(ONE, [])).resolves.toEqual([{ one: 1 }])
    expect(pool.use.total).toBe(1)
  })

  it('is well again when a connection becomes half-open inside a transaction', async () => {
    const { proxy, pool } = await openProxiedPool(await createEmptyDatabase(), {
      DATABASE_POOL_SIZE: '2',
      DATABASE_STATEMENT_TIMEOUT_MS: '300',
      DATABASE_QUERY_TIMEOUT_MS: '400',
    })
    const work = pool.transaction(async (transaction) => {
      await transaction.run(ONE, [])
      proxy.kill()
      return transaction.run(ONE, [])
    })
    await expect(work).rejects.toMatchObject({ code: 'ledger_unavailable' })
    await expect(pool.transaction((transaction) => transaction.run(ONE, []))).resolves.toEqual([{ one: 1 }])
  })

  it.each([
    ['a statement', (pool: HotPool) => pool.run({ text: 'SELECT pg_sleep(30)' }, [])],
    ['a transaction', (pool: HotPool) => pool.transaction((transaction) => transaction.run({ text: 'SELECT pg_sleep(30)' }, []))],
  ])('rejects, and does not end the process, when PostgreSQL ends the connection during %s', async (_, start) => {
    const database = await createEmptyDatabase()
    const pool = await openPool(database.url)
    const [ended] = await Promise.allSettled([start(pool), terminateSleeper(database)])
    expect(ended).toMatchObject({ status: 'rejected', reason: { code: 'ledger_unavailable' } })
    await expect(pool.run(ONE, [])).resolves.toEqual([{ one: 1 }])
  })

  it('rejects when the connection breaks between two statements of a transaction', async () => {
    const { proxy, pool } = await openProxiedPool(await createEmptyDatabase(), {})
    const work = pool.transaction(async (transaction) => {
      await transaction.run(ONE, [])
      proxy.cut()
      // The break is noticed while no statement is under way.
      await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setImmediate(resolve))
      return transaction.run(ONE, [])
    })
    await expect(work).rejects.toBeInstanceOf(TaskError)
    await expect(pool.run(ONE, [])).resolves.toEqual([{ one: 1 }])
  })

  it('lets a query wait for a connection when all are taken', async () => {
    const database = await createEmptyDatabase()
    const pool = await openPool(database.url, { DATABASE_POOL_SIZE: '2' })
    const takers = Array.from({ length: 2 }, () => pool.run({ text: 'SELECT pg_sleep(30)' }, []).catch(() => 'ended'))
    const waiter = pool.run(ONE, [])
    await expect.poll(() => pool.use).toMatchObject({ total: 2, idle: 0, waiting: 1 })
    await terminateSleeper(database)
    await expect(waiter).resolves.toEqual([{ one: 1 }])
    await terminateSleeper(database)
    await Promise.all(takers)
  })

  it('says that the ledger is unavailable when no connection comes free in time', async () => {
    const database = await createEmptyDatabase()
    const pool = await openPool(database.url, { DATABASE_POOL_SIZE: '2', DATABASE_CONNECT_TIMEOUT_MS: '150' })
    const takers = Array.from({ length: 2 }, () => pool.run({ text: 'SELECT pg_sleep(30)' }, []).catch(() => 'ended'))
    await expect(pool.run(ONE, [])).rejects.toMatchObject({ code: 'ledger_unavailable', retryable: true })
    await terminateSleeper(database, 2)
    await Promise.all(takers)
  })

  it('rolls back and keeps its connection when a statement of a transaction fails', async () => {
    const { url, sql } = await createEmptyDatabase()
    const pool = await openPool(url)
    await sql.rows('CREATE TABLE thing (id integer PRIMARY KEY)')
    const work = pool.transaction(async (transaction) => {
      await transaction.run({ text: 'INSERT INTO thing VALUES (1)' }, [])
      await transaction.run({ text: 'INSERT INTO thing VALUES (1)' }, [])
    })
    await expect(work).rejects.toMatchObject({ code: '23505' })
    await expect(sql.value('SELECT count(*) FROM thing')).resolves.toBe(0)
    expect(pool.use).toMatchObject({ total: 1, idle: 1 })
  })

  it('tells how long each statement waited for its connection', async () => {
    const { url } = await createEmptyDatabase()
    const pool = await openPool(url)
    const waits: number[] = []
    pool.onAcquire((waitMs) => waits.push(waitMs))
    await pool.run(ONE, [])
    await pool.transaction((transaction) => transaction.run(ONE, []))
    expect(waits).toHaveLength(2)
  })
})

/** Ends sessions that sleep, as an operator or a failover would. */
async function terminateSleeper({ sql }: TestDatabase, count = 1): Promise<void> {
  await expect
    .poll(() =>
      sql.value<number>(
        `WITH sleeper AS (SELECT pid FROM pg_stat_activity
           WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%' AND state = 'active' LIMIT $1)
         SELECT count(pg_terminate_backend(pid)) FROM sleeper`,
        [count],
      ),
    )
    .toBe(count)
}
