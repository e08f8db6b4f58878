import type { Environment } from '#libs/config'
import type { DeadLetterGroup, FailedRun, RejectedRecord } from '#libs/kernel'
import { openOperators } from '../open-operators.js'
import type { OutputFormat } from '../operator-options.js'
import { makeTable, print } from '../print.js'
import { readDeadLetterFilter, type DeadLetterOptions } from './filter-options.js'
import { formatRecordPlace } from './record-place.js'

/** As much of a message as fits a line. */
const MAX_MESSAGE = 100

export interface DeadLetterListOptions extends DeadLetterOptions {
  readonly each: boolean
  readonly rejected: boolean
  readonly limit: number
  readonly output: OutputFormat
}

export async function runDeadLetterList(
  { each, rejected, limit, output, ...filter }: DeadLetterListOptions,
  env: Environment,
): Promise<void> {
  const wanted = readDeadLetterFilter(filter)
  if (rejected && (each || Object.keys(wanted).length > 0))
    throw new Error('--rejected goes with --limit only: records that are no tasks have no type')
  await using operators = await openOperators(env)
  if (rejected) print(await operators.deadLetters.listRejected(limit), output, describeRejected)
  else if (each) print(await operators.deadLetters.list(wanted, limit), output, describeRuns)
  else print(await operators.deadLetters.group(wanted, limit), output, describeGroups)
}

function describeGroups(groups: readonly DeadLetterGroup[]): string {
  return makeTable(
    ['FINGERPRINT', 'CODE', 'COUNT', 'ANSWERED', 'FIRST', 'LAST', 'TENANTS', 'TYPES', 'LAST TASK', 'LAST MESSAGE'],
    groups.map((group) => [
      group.fingerprint,
      group.code,
      group.count,
      group.answered,
      group.firstAt,
      group.lastAt,
      group.tenants.join(','),
      group.types.join(','),
      group.taskId,
      shorten(group.message),
    ]),
  )
}

function describeRuns(runs: readonly FailedRun[]): string {
  return makeTable(
    ['TASK', 'TENANT', 'TYPE', 'RUN', 'CODE', 'FINGERPRINT', 'FAILED', 'ANSWERED', 'MESSAGE'],
    runs.map((run) => [
      run.taskId,
      run.tenant,
      run.type,
      run.run,
      run.code,
      run.fingerprint,
      run.failedAt,
      run.isAnswered ? 'yes' : 'no',
      shorten(run.message),
    ]),
  )
}

function describeRejected(records: readonly RejectedRecord[]): string {
  return makeTable(
    ['RECORD', 'CODE', 'RECEIVED', 'BYTES', 'MESSAGE'],
    records.map((record) => [formatRecordPlace(record), record.code, record.receivedAt, record.sizeBytes, shorten(record.message)]),
  )
}

function shorten(message: string): string {
  return message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message
}
