import type { CreatedRedrive, RedrivePreview, RedriveSelection } from '#libs/admin'
import type { Environment } from '#libs/config'
import { EXIT_NOT_FOUND, EXIT_REFUSED } from '../exit-codes.js'
import { openOperators } from '../open-operators.js'
import { readChange, type ChangeOptions } from '../operator-options.js'
import { cleanText, print } from '../print.js'
import { DEFAULT_TENANT } from '../tasks/selection-options.js'
import { NOT_REDRIVEN } from './dead-letter-show.command.js'
import { readDeadLetterFilter, type DeadLetterOptions } from './filter-options.js'
import { parseRecordPlace } from './record-place.js'
import { runToEnd } from './run-redrive.js'

export interface RedriveOptions extends DeadLetterOptions, ChangeOptions {
  readonly callAgain: boolean
  readonly maxTasks: number
  readonly maxTokens?: number
  readonly rate: number
}

export async function runRedrive(taskIds: readonly string[], options: RedriveOptions, env: Environment): Promise<void> {
  const { callAgain, maxTasks, maxTokens, rate: ratePerSecond, dryRun, output } = options
  const request = {
    selection: readSelection(taskIds, options),
    limits: { callAgain, maxTasks, ...(maxTokens !== undefined && { maxTokens }) },
    ratePerSecond,
    change: readChange(options),
  }
  await using operators = await openOperators(env)
  if (dryRun) {
    const preview = await operators.redrives.preview(request)
    print({ dryRun, ...preview }, output, () => describe(preview, 'would be redriven'))
    setExitCode(preview)
    return
  }
  const created = await operators.redrives.create(request)
  process.stderr.write(`${describe(created, 'to be redriven')}\n`)
  setExitCode(created)
  if (created.id === null) print({ dryRun, ...created }, output, () => 'nothing to redrive')
  else await runToEnd(created.id, operators, output)
}

function readSelection(taskIds: readonly string[], options: RedriveOptions): RedriveSelection {
  const record = taskIds.find((id) => parseRecordPlace(id))
  if (record !== undefined) throw new Error(`${record} cannot be redriven: ${NOT_REDRIVEN}`)
  const filter = readDeadLetterFilter(options)
  if (taskIds.length === 0) return { kind: 'filter', filter }
  const { tenant = DEFAULT_TENANT, ...others } = filter
  if (Object.keys(others).length > 0)
    throw new Error('name tasks, or say which by --fingerprint, --code, --type, --since or --until, not both')
  return { kind: 'ids', tenant, taskIds }
}

function describe({ matching, late, tasks, fromAnswers, tokens, refused, unknown }: RedrivePreview, verb: string): string {
  const left = matching - late - tasks
  return [
    `${verb}: ${tasks} tasks, ${fromAnswers} from their stored answers, ${tasks - fromAnswers} by a call for about ${tokens} tokens`,
    ...(left > 0 ? [`${left} more match, beyond --max-tasks or --max-tokens`] : []),
    ...(late > 0 ? [`${late} more match, but their deadline has passed and they have no answer to start from`] : []),
    ...refused.map(({ taskId, tenant, why }) => `refused ${cleanText(`${taskId} of ${tenant}`)}: ${why}`),
    ...unknown.map(({ taskId, tenant }) => `no dead letter ${cleanText(`${taskId} of tenant ${tenant}`)}`),
  ].join('\n')
}

function setExitCode({ refused, unknown }: RedrivePreview | CreatedRedrive): void {
  if (unknown.length > 0) process.exitCode = EXIT_NOT_FOUND
  if (refused.length > 0) process.exitCode = EXIT_REFUSED
}
