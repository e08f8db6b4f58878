import type { Environment } from '#libs/config'
import type { UnfinishedTask } from '#libs/kernel'
import { openOperators } from '../open-operators.js'
import type { OutputFormat } from '../operator-options.js'
import { makeTable, print } from '../print.js'
import { readFilter, type FilterOptions } from './selection-options.js'

const COLUMNS = ['TASK', 'TENANT', 'TYPE', 'STATE', 'WAITS FOR', 'DUE', 'ACCEPTED', 'RUN', 'ATTEMPTS', 'MAYBE PAID']

export async function runTaskList(options: FilterOptions & { readonly output: OutputFormat }, env: Environment): Promise<void> {
  await using operators = await openOperators(env)
  const tasks = await operators.tasks.list(readFilter(options), options.limit)
  print(tasks, options.output, describeTasks)
  if (tasks.length === options.limit) process.stderr.write(`there may be more: these are the ${options.limit} oldest (--limit)\n`)
}

function describeTasks(tasks: readonly UnfinishedTask[]): string {
  return makeTable(
    COLUMNS,
    tasks.map((task) => [
      task.taskId,
      task.tenant,
      task.type,
      task.state,
      task.state === 'running' ? null : describeReason(task),
      task.state === 'pending' ? task.runAt : null,
      task.acceptedAt,
      task.run,
      task.attempts,
      task.maybePaid,
    ]),
  )
}

function describeReason({ reason, isHead }: UnfinishedTask): string {
  if (!isHead) return 'an earlier task of its key'
  return reason ?? 'a free stream'
}
