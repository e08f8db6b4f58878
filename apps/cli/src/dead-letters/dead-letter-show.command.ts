import type { Environment } from '#libs/config'
import type { DeadLetterEvent } from '#libs/contracts'
import type { FailedAttempt, FailedTask } from '#libs/kernel'
import { EXIT_NOT_FOUND } from '../exit-codes.js'
import { openOperators, type Operators } from '../open-operators.js'
import type { OutputFormat } from '../operator-options.js'
import { cleanText, print } from '../print.js'
import { printOriginal } from './dead-letter-original.command.js'
import { parseRecordPlace } from './record-place.js'

export interface DeadLetterShowOptions {
  readonly tenant: string
  readonly original: boolean
  readonly output: OutputFormat
}

interface Shown {
  readonly letter: DeadLetterEvent
  /** undefined: a record that never became a task. */
  readonly task?: FailedTask
}

export async function runDeadLetterShow(id: string, { tenant, original, output }: DeadLetterShowOptions, env: Environment): Promise<void> {
  const shown = await find(id, tenant, env)
  if (shown === null) {
    process.stderr.write(
      `no dead letter of ${id} (tenant ${tenant}): nothing of that name has failed, or HISTORY_RETENTION_DAYS are over\n`,
    )
    process.exitCode = EXIT_NOT_FOUND
    return
  }
  if (original) return printOriginal(shown.letter, env)
  print(shown.task ?? { letter: shown.letter }, output, () => describe(shown))
}

async function find(id: string, tenant: string, env: Environment): Promise<Shown | null> {
  await using operators = await openOperators(env)
  const place = parseRecordPlace(id)
  // Awaited here: the connections close at the end of this block.
  return await (place ? findRejected(operators, place) : findFailed(operators, tenant, id))
}

async function findRejected({ deadLetters }: Operators, place: NonNullable<ReturnType<typeof parseRecordPlace>>): Promise<Shown | null> {
  const letter = await deadLetters.findRejected(place)
  return letter && { letter }
}

async function findFailed({ deadLetters }: Operators, tenant: string, taskId: string): Promise<Shown | null> {
  const task = await deadLetters.find(tenant, taskId)
  return task && { letter: task.letter, task }
}

function describe({ letter, task }: Shown): string {
  const { error, source } = letter
  return [
    task
      ? `${letter.task_id} of ${letter.tenant}: run ${letter.run} failed ${letter.at}`
      : `a record that is no task, received ${letter.at}`,
    ...(task && task.now !== 'failed' ? [`redriven since: ${task.now}`] : []),
    `${error.code}: ${cleanText(error.message)}`,
    ...error.causes.map((cause) => `  because of ${cleanText(cause)}`),
    `fingerprint ${error.fingerprint}`,
    ...(letter.trace_id === undefined ? [] : [`trace ${letter.trace_id}`]),
    `from ${source.topic} partition ${source.partition} offset ${source.offset}`,
    describeOriginal(letter),
    ...(task ? describeTask(task) : [NOT_REDRIVEN]),
  ].join('\n')
}

export const NOT_REDRIVEN =
  'it never became a task, so there is nothing to redrive: let its producer send it again, put right and under its own task id'

function describeOriginal({ original, original_ref: reference }: DeadLetterEvent): string {
  if (reference) return `original: ${reference.size} bytes in the ledger (--original prints them)`
  if (original === undefined) return 'original: the record had no value'
  return `original: ${Buffer.byteLength(original, 'base64')} bytes (--original prints them)`
}

function describeTask({ attempts, answers }: FailedTask): string[] {
  return [
    ...attempts.map(describeAttempt),
    ...answers.map(
      ({ run, attempt, status, sizeBytes, receivedAt }) =>
        `answer of run ${run} attempt ${attempt}: status ${status}, ${sizeBytes} bytes, received ${receivedAt.toISOString()}`,
    ),
    answers.length > 0
      ? 'a redrive starts from the stored answer and calls nobody, unless it is told --call-again'
      : 'no answer is stored: a redrive calls the model',
  ]
}

function describeAttempt(attempt: FailedAttempt): string {
  const { run, number, state, httpStatus, errorCode, openedAt, endedAt, id, excerpt } = attempt
  const why = [httpStatus === null ? '' : `status ${httpStatus}`, errorCode ?? ''].filter((text) => text !== '').join(', ')
  const line =
    `run ${run} attempt ${number}: ${state}${why === '' ? '' : ` (${why})`} ` +
    `${openedAt.toISOString()} to ${endedAt?.toISOString() ?? '...'} as ${id}`
  return excerpt === null ? line : `${line}\n  ${cleanText(excerpt)}`
}
