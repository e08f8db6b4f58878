import { Option, type Command } from 'commander'
import type { Environment } from '#libs/config'
import { addChangeOptions, addOutputOption, readTime, type OutputFormat } from '../operator-options.js'
import { addFilterOptions, DEFAULT_TENANT, type FilterOptions } from './selection-options.js'
import { runTaskCancel, runTaskMove, runTaskRelease, type TaskChangeOptions } from './task-changes.command.js'
import { runTaskGet, type TaskGetOptions } from './task-get.command.js'
import { runTaskList } from './task-list.command.js'
import { runTaskWhy, type TaskWhyOptions } from './task-why.command.js'

const LISTED = 100

export function addTaskCommands(program: Command, env: Environment): void {
  const tasks = program.command('tasks').alias('task').description('look at tasks, and change those that have not ended')
  addOutputOption(
    tasks
      .command('get')
      .description('one task: its state, why it waits, its attempts and ends')
      .argument('<task-id>')
      .option('--tenant <name>', 'whose task', DEFAULT_TENANT),
  ).action((taskId: string, options: TaskGetOptions) => runTaskGet(taskId, options, env))
  addOutputOption(
    tasks
      .command('why')
      .description('why one task does not run: each gate that blocks it, with its value, limit and time')
      .argument('<task-id>')
      .option('--tenant <name>', 'whose task', DEFAULT_TENANT)
      .option('--json', 'the same as -o json', false),
  ).action((taskId: string, options: TaskWhyOptions) => runTaskWhy(taskId, options, env))
  addOutputOption(addFilterOptions(tasks.command('list').description('tasks that have not ended, oldest first'), { limit: LISTED })).action(
    (options: FilterOptions & { output: OutputFormat }) => runTaskList(options, env),
  )
  addTaskChange(tasks, 'cancel', 'end pending and held tasks as cancelled, with a result event').action(
    (taskIds: string[], options: TaskChangeOptions) => runTaskCancel(taskIds, options, env),
  )
  addTaskChange(tasks, 'move', 'give pending tasks another time')
    .addOption(new Option('--to <time>', 'now, or a time as in 2030-01-02T03:04:05Z').argParser(readTime).makeOptionMandatory())
    .action((taskIds: string[], options: TaskChangeOptions & { to: Date | null }) => runTaskMove(taskIds, options, env))
  addTaskChange(tasks, 'release', 'let held tasks be sent again: what they have sent before may be paid for twice').action(
    (taskIds: string[], options: TaskChangeOptions) => runTaskRelease(taskIds, options, env),
  )
}

function addTaskChange(tasks: Command, name: string, description: string): Command {
  return addChangeOptions(addFilterOptions(tasks.command(name).description(description).argument('[task-ids...]')))
}
