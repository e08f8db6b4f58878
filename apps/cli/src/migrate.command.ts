import type { Environment } from '#libs/config'
import { dbSettings, migrate, missingMigrations } from '#libs/db'

export async function runMigrate({ dryRun }: { readonly dryRun: boolean }, env: Environment): Promise<void> {
  const { migrationUrl } = dbSettings.parse(env)
  const names = dryRun ? await missingMigrations(migrationUrl) : (await migrate(migrationUrl)).applied
  const verb = dryRun ? 'missing' : 'applied'
  process.stdout.write(names.length === 0 ? 'the schema is up to date\n' : names.map((name) => `${verb} ${name}\n`).join(''))
}
