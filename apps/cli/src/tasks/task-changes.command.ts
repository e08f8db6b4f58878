import type { Environment } from '#libs/config'
import { openOperators } from '../open-operators.js'
import { readChange, type ChangeOptions } from '../operator-options.js'
import { printReport } from './operation-report.js'
import { readSelection, type FilterOptions } from './selection-options.js'

export type TaskChangeOptions = ChangeOptions & FilterOptions

export async function runTaskCancel(taskIds: readonly string[], options: TaskChangeOptions, env: Environment): Promise<void> {
  const order = makeOrder(taskIds, options)
  await using operators = await openOperators(env)
  printReport(await operators.tasks.cancel(order), 'cancelled', options.output)
}

/** null: to now. */
export async function runTaskMove(
  taskIds: readonly string[],
  options: TaskChangeOptions & { readonly to: Date | null },
  env: Environment,
): Promise<void> {
  const order = makeOrder(taskIds, options)
  await using operators = await openOperators(env)
  printReport(await operators.tasks.move(order, options.to), 'moved', options.output)
}

export async function runTaskRelease(taskIds: readonly string[], options: TaskChangeOptions, env: Environment): Promise<void> {
  const order = makeOrder(taskIds, options)
  await using operators = await openOperators(env)
  printReport(await operators.tasks.release(order), 'released', options.output)
}

function makeOrder(taskIds: readonly string[], options: TaskChangeOptions) {
  return { selection: readSelection(taskIds, options), change: readChange(options), dryRun: options.dryRun }
}
