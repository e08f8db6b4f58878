import { Command, Option } from 'commander'
import type { Environment } from '#libs/config'
import { runDeadLetterOriginal } from './dead-letter-original.command.js'
import { runMigrate } from './migrate.command.js'
import { runTaskGet, type TaskGetOptions } from './task-get.command.js'

/** Data goes to stdout, talk to stderr. Exit codes: 0 done, 1 failed, 4 not found, 78 wrong settings. */
export function makeProgram(env: Environment): Command {
  const program = new Command('sluice').description("The operator's tool of Sluice").showHelpAfterError()
  program.addHelpText(
    'after',
    `
Examples:
  sluice migrate                        bring the database to this release's schema
  sluice task get order-42              where a task stands and how it came there
  sluice task get order-42 -o json
  sluice dead-letter original letter.json > task.json   the record that a dead letter is about, byte for byte`,
  )
  program
    .command('migrate')
    .description('apply the migrations of this release (MIGRATION_DATABASE_URL, else DATABASE_URL)')
    .option('--dry-run', 'only tell what is missing', false)
    .action((options: { dryRun: boolean }) => runMigrate(options, env))
  program
    .command('task')
    .description('look at tasks')
    .command('get')
    .description('one task: its state, why it waits, its attempts and ends')
    .argument('<task-id>')
    .option('--tenant <name>', 'whose task', 'default')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['table', 'json']).default('table'))
    .action((taskId: string, options: TaskGetOptions) => runTaskGet(taskId, options, env))
  program
    .command('dead-letter')
    .description('look at dead letters')
    .command('original')
    .description('print the value of the record that a dead letter is about, from the letter itself or from the ledger')
    .argument('[file]', 'the dead letter as it lies on its topic, in JSON; stdin where left out')
    .action((file: string | undefined) => runDeadLetterOriginal(file, env))
  return program
}
