import type { TaskExplanation, WaitReason } from '#libs/admin'
import type { Environment } from '#libs/config'
import { EXIT_NOT_FOUND } from '../exit-codes.js'
import { openOperators } from '../open-operators.js'
import type { OutputFormat } from '../operator-options.js'
import { cleanText, makeTable, print } from '../print.js'
import { describeState } from './describe-state.js'
import { openLaneGates } from './open-lane-gates.js'

export interface TaskWhyOptions {
  readonly tenant: string
  readonly output: OutputFormat
  readonly json: boolean
}

const COLUMNS = ['GATE', 'VALUE', 'LIMIT', 'UNIT', 'EXPECTED', 'WHY']

export async function runTaskWhy(taskId: string, { tenant, output, json }: TaskWhyOptions, env: Environment): Promise<void> {
  const gates = openLaneGates(env)
  await using operators = await openOperators(env)
  const explanation = await operators.makeWaits(gates).explain(tenant, taskId)
  if (explanation.state === 'unknown') {
    process.stderr.write(`no task ${cleanText(taskId)} of tenant ${cleanText(tenant)}\n`)
    process.exitCode = EXIT_NOT_FOUND
    return
  }
  print({ tenant, taskId, ...explanation }, json ? 'json' : output, () => describe(explanation, `${taskId} of ${tenant}`))
}

function describe(explanation: Exclude<TaskExplanation, { state: 'unknown' }>, name: string): string {
  const state = cleanText(`${name}: ${describeState(explanation)}`)
  if (explanation.state === 'finished') return state
  const { reasons, notLookedAt } = explanation
  return [
    state,
    ...(reasons.length > 0 ? [describeReasons(reasons)] : []),
    ...notLookedAt.map((gate) => `not looked at: ${cleanText(gate)}`),
  ].join('\n')
}

function describeReasons(reasons: readonly WaitReason[]): string {
  return makeTable(
    COLUMNS,
    reasons.map(({ gate, value, limit, unit, expectedAt, detail }) => [
      gate,
      value === null ? null : Math.round(value * 100) / 100,
      limit,
      unit,
      expectedAt ?? 'unknown',
      detail,
    ]),
  )
}
