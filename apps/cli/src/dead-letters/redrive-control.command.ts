import type { Environment } from '#libs/config'
import { openOperators } from '../open-operators.js'
import { readChange, type AuditOptions, type OutputFormat } from '../operator-options.js'
import { print } from '../print.js'
import { describeRedrive, describeRedrives } from './describe-redrive.js'
import { runToEnd, tellUnknown } from './run-redrive.js'

export async function runRedriveResume(id: number, { output }: { readonly output: OutputFormat }, env: Environment): Promise<void> {
  await using operators = await openOperators(env)
  await runToEnd(id, operators, output)
}

export async function runRedriveStop(id: number, options: AuditOptions, env: Environment): Promise<void> {
  const change = readChange(options)
  await using operators = await openOperators(env)
  const takenBack = await operators.redrives.stop(id, change)
  if (takenBack === null) {
    tellUnknown(id)
    return
  }
  print({ id, takenBack }, options.output, () => `redrive ${id} stopped: ${takenBack} taken back; what a worker has begun goes on`)
}

/** Without a number: the last ones. */
export async function runRedriveStatus(
  id: number | undefined,
  { limit, output }: { readonly limit: number; readonly output: OutputFormat },
  env: Environment,
): Promise<void> {
  await using operators = await openOperators(env)
  if (id === undefined) {
    print(await operators.redrives.list(limit), output, describeRedrives)
    return
  }
  const status = await operators.redrives.status(id)
  if (status) print(status, output, describeRedrive)
  else tellUnknown(id)
}
