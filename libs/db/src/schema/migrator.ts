import { DataSource } from 'typeorm'
import { EvictingClient } from '../connection/evicting.client.js'
import { Ledger1700000000001 } from './migrations/0001-ledger.migration.js'
import { RunMemory1700000000002 } from './migrations/0002-run-memory.migration.js'
import { Redrive1700000000003 } from './migrations/0003-redrive.migration.js'
import { Admission1700000000004 } from './migrations/0004-admission.migration.js'
import { Deferral1700000000005 } from './migrations/0005-deferral.migration.js'
import { Rejections1700000000007 } from './migrations/0007-rejections.migration.js'
import { Suspects1700000000006 } from './migrations/0006-suspects.migration.js'
import { Books1700000000009 } from './migrations/0009-books.migration.js'
import { LoweredLimits1700000000008 } from './migrations/0008-lowered-limits.migration.js'

/** Every migration, oldest first. They only go forward; a release must run on the schema of the next one too (expand, then contract). */
export const MIGRATIONS = [
  Ledger1700000000001,
  RunMemory1700000000002,
  Redrive1700000000003,
  Admission1700000000004,
  Deferral1700000000005,
  Suspects1700000000006,
  Rejections1700000000007,
  LoweredLimits1700000000008,
  Books1700000000009,
]
const LOCK_ID = 7_238_001

export interface MigrationReport {
  readonly applied: readonly string[]
}

/** Brings the schema to this release's version. Replicas that start together take turns under an advisory lock. */
export async function migrate(url: string): Promise<MigrationReport> {
  const lock = new EvictingClient({ connectionString: url, connectionTimeoutMillis: 10_000, application_name: 'sluice-migrate' })
  await lock.connect()
  try {
    await lock.query('SELECT pg_advisory_lock($1)', [LOCK_ID])
    const source = new DataSource({
      type: 'postgres',
      url,
      migrations: MIGRATIONS,
      migrationsTableName: 'schema_migration',
      synchronize: false,
      logging: false,
    })
    await source.initialize()
    try {
      const applied = await source.runMigrations({ transaction: 'each' })
      return { applied: applied.map(({ name }) => name) }
    } finally {
      await source.destroy()
    }
  } finally {
    await lock.end()
  }
}

/** What the schema lacks: names of migrations that have not been applied. A newer schema is fine. */
export async function missingMigrations(url: string): Promise<string[]> {
  const client = new EvictingClient({ connectionString: url, connectionTimeoutMillis: 10_000, application_name: 'sluice-migrate' })
  await client.connect()
  try {
    const exists = await client.query<{ present: boolean }>(`SELECT to_regclass('schema_migration') IS NOT NULL AS present`)
    const applied = exists.rows[0]!.present
      ? (await client.query<{ name: string }>('SELECT name FROM schema_migration')).rows.map(({ name }) => name)
      : []
    return MIGRATIONS.map((migration) => migration.name).filter((name) => !applied.includes(name))
  } finally {
    await client.end()
  }
}
