import { randomBytes } from 'node:crypto'
import { LedgerReader } from '#tools/rig'
import { createDatabase, dropDatabase } from '#tools/stack'
import { inject, onTestFinished } from 'vitest'
import { HotPool } from '../../../libs/db/src/connection/hot-pool.js'
import { dbSettings, type DbSettings } from '../../../libs/db/src/db.settings.js'
import { migrate } from '../../../libs/db/src/schema/migrator.js'
import { PartitionKeeper } from '../../../libs/db/src/schema/partitions.js'

/** A database of this test alone, and whoever reads it with plain SQL. */
export interface TestDatabase {
  readonly url: string
  readonly sql: LedgerReader
}

/** Made once for each test file: a migrated database is copied faster than it is made. */
let template: Promise<string> | undefined

/** Dropped when the test is over. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return openDatabase(await createDatabase(inject('stack').databaseUrl, makeName('db')))
}

/** With the schema and the partitions of these days. Dropped when the test is over. */
export async function createLedgerDatabase(): Promise<TestDatabase> {
  template ??= makeTemplate()
  return openDatabase(await createDatabase(inject('stack').databaseUrl, makeName('ledger'), { template: await template }))
}

export function makeDbSettings(url: string, env: Readonly<Record<string, string>> = {}): DbSettings {
  return dbSettings.parse({ DATABASE_URL: url, ...env })
}

/** Closed when the test is over. */
export function openPool({ url }: TestDatabase): HotPool {
  const pool = new HotPool(makeDbSettings(url))
  onTestFinished(() => pool.close())
  return pool
}

async function makeTemplate(): Promise<string> {
  const name = makeName('template')
  const url = await createDatabase(inject('stack').databaseUrl, name)
  await migrate(url)
  const pool = new HotPool(makeDbSettings(url))
  const keeper = new PartitionKeeper(pool, { historyDays: 30, identityDays: 30 }, { onError: () => {}, onRemoved: () => {} })
  await keeper.start()
  keeper.stop()
  await pool.close()
  return name
}

function openDatabase(url: string): TestDatabase {
  const sql = new LedgerReader(url)
  onTestFinished(async () => {
    await sql.close()
    await dropDatabase(inject('stack').databaseUrl, new URL(url).pathname.slice(1))
  })
  return { url, sql }
}

function makeName(kind: string): string {
  return `test_${kind}_${randomBytes(5).toString('hex')}`
}
