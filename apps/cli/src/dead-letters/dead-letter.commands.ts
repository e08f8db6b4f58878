import { Argument, Option, type Command } from 'commander'
import type { Environment } from '#libs/config'
import {
  addAuditOptions,
  addChangeOptions,
  addOutputOption,
  readCount,
  readRate,
  type AuditOptions,
  type OutputFormat,
} from '../operator-options.js'
import { DEFAULT_TENANT } from '../tasks/selection-options.js'
import { runDeadLetterList, type DeadLetterListOptions } from './dead-letter-list.command.js'
import { runDeadLetterOriginal } from './dead-letter-original.command.js'
import { runDeadLetterShow, type DeadLetterShowOptions } from './dead-letter-show.command.js'
import { addDeadLetterFilter, addLimitOption } from './filter-options.js'
import { runRedriveResume, runRedriveStatus, runRedriveStop } from './redrive-control.command.js'
import { runRedrive, type RedriveOptions } from './redrive.command.js'

const LISTED = 50
const LISTED_REDRIVES = 10
/** A redrive costs money: more is asked for by name. */
const MAX_TASKS = 1_000
const RATE = 10

export function addDeadLetterCommands(program: Command, env: Environment): void {
  const deadLetters = program.command('dead-letters').alias('dead-letter').description('look at dead letters, and redrive them')
  addReads(deadLetters, env)
  addRedrives(deadLetters, env)
}

function addReads(deadLetters: Command, env: Environment): void {
  const list = deadLetters.command('list').description('dead letters that nobody has redriven, grouped by what is repaired together')
  addOutputOption(addLimitOption(addDeadLetterFilter(list), LISTED))
    .option('--each', 'one by one, the last ones first', false)
    .option('--rejected', 'records that never became tasks', false)
    .action((options: DeadLetterListOptions) => runDeadLetterList(options, env))
  addOutputOption(deadLetters.command('show').description('one dead letter: error, causes, attempts, answers'))
    .argument('<id>', 'the task id, or TOPIC/PARTITION/OFFSET of a record that is no task')
    .option('--tenant <name>', 'whose task', DEFAULT_TENANT)
    .option('--original', 'print the bytes of the record, and nothing else', false)
    .action((id: string, options: DeadLetterShowOptions) => runDeadLetterShow(id, options, env))
  deadLetters
    .command('original')
    .description('print the value of the record that a dead letter is about, from the letter itself or from the ledger')
    .argument('[file]', 'the dead letter as it lies on its topic, in JSON; stdin where left out')
    .action((file: string | undefined) => runDeadLetterOriginal(file, env))
}

function addRedrives(deadLetters: Command, env: Environment): void {
  const redrive = deadLetters.command('redrive').description('start failed tasks again, from their stored answers where there are any')
  addChangeOptions(addDeadLetterFilter(redrive).argument('[task-ids...]'))
    .option('--call-again', 'pay for new answers, also where one is stored', false)
    .addOption(new Option('--max-tasks <count>', 'at most so many, oldest failure first').argParser(readCount).default(MAX_TASKS))
    .addOption(new Option('--max-tokens <count>', 'at most so many tokens, by estimate').argParser(readCount))
    .addOption(new Option('--rate <tasks>', 'tasks that become due in a second').argParser(readRate).default(RATE))
    .action((taskIds: string[], options: RedriveOptions) => runRedrive(taskIds, options, env))
  const number = new Argument('<redrive>', 'its number').argParser(readCount)
  addOutputOption(deadLetters.command('resume').description('go on with a redrive that broke off').addArgument(number)).action(
    (id: number, options: { output: OutputFormat }) => runRedriveResume(id, options, env),
  )
  const stop = deadLetters.command('stop').description('end a redrive, and take back what has not begun').addArgument(number)
  addAuditOptions(stop).action((id: number, options: AuditOptions) => runRedriveStop(id, options, env))
  const status = deadLetters.command('status').description('how a redrive stands, or the last ones')
  addOutputOption(addLimitOption(status, LISTED_REDRIVES))
    .addArgument(new Argument('[redrive]', 'its number').argParser(readCount))
    .action((id: number | undefined, options: { limit: number; output: OutputFormat }) => runRedriveStatus(id, options, env))
}
