import { Command } from 'commander'
import type { Environment } from '#libs/config'
import { addDeadLetterCommands } from './dead-letters/dead-letter.commands.js'
import { runMigrate } from './migrate.command.js'
import { addTaskCommands } from './tasks/task.commands.js'

/** Data goes to stdout, talk to stderr. Exit codes: 0 done, 1 failed, 4 not found, 5 refused, 78 wrong settings. */
export function makeProgram(env: Environment): Command {
  const program = new Command('sluice').description("The operator's tool of Sluice").showHelpAfterError()
  program.addHelpText(
    'after',
    `
Examples:
  sluice migrate                        bring the database to this release's schema
  sluice tasks get order-42             where a task stands and how it came there
  sluice tasks why order-42             what it waits for: gate, value, limit, time (give it the workers' LIMITS_FILE)
  sluice tasks list --state held        what waits for a decision
  sluice tasks release order-42 --reason "the provider did not bill it"
  sluice tasks move --waits-for llm_rate_limited --to now --reason "the quota was raised" --dry-run
  sluice dead-letters list              what failed, grouped by what is repaired together
  sluice dead-letters redrive --fingerprint 3f9a0c21d4e5b678 --dry-run
  sluice dead-letters redrive order-42 --reason "the schema was put right"
  sluice dead-letters original letter.json > task.json   the record that a dead letter is about, byte for byte

Exit codes: 0 done, 1 failed or wrongly asked, 4 not found, 5 some of the tasks were refused, 78 wrong settings`,
  )
  program
    .command('migrate')
    .description('apply the migrations of this release (MIGRATION_DATABASE_URL, else DATABASE_URL)')
    .option('--dry-run', 'only tell what is missing', false)
    .action((options: { dryRun: boolean }) => runMigrate(options, env))
  addTaskCommands(program, env)
  addDeadLetterCommands(program, env)
  return program
}
