import type { Statement, StatementRunner } from '../connection/hot-pool.js'
import { MIGRATIONS } from './migrator.js'

/** Versions are the numbers of migrations. */
export interface SchemaVersion {
  /** The newest that was applied; 0 in an empty database. */
  readonly version: number
  /** What this release needs at least. */
  readonly needs: number
  /** Names of migrations that have not been applied. */
  readonly lacks: readonly string[]
}

const APPLIED: Statement = { name: 'schema-version', text: 'SELECT name FROM schema_migration' }
/** As in Ledger1700000000001. */
const NUMBER = /(\d{4})$/

export async function readSchemaVersion(runner: StatementRunner): Promise<SchemaVersion> {
  const applied = (await runner.run<{ name: string }>(APPLIED, [])).map(({ name }) => name)
  const needed = MIGRATIONS.map(({ name }) => name)
  return { version: findNewest(applied), needs: findNewest(needed), lacks: needed.filter((name) => !applied.includes(name)) }
}

function findNewest(names: readonly string[]): number {
  return Math.max(0, ...names.map((name) => Number(NUMBER.exec(name)?.[1] ?? 0)))
}
