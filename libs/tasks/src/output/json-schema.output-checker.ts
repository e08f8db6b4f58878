import { Injectable } from '@nestjs/common'
import type { ValidateFunction } from 'ajv'
import { OutputChecker, TaskError, TaskTypes } from '#libs/kernel'
import { CpuPool, defineCpuJob } from '#libs/resilience'
import { applySchema, compileSchema, type JsonCheck, type JsonCheckResult } from './json-check.worker.js'

type Schema = Readonly<Record<string, unknown>>

const MAX_NAMED_PROBLEMS = 5
/** Longer texts go to another thread even for a schema that is known: a millisecond of the event loop at most. */
const MAX_CHARS_HERE = 32_768
/** A longer text could take more memory than a thread has, in one call of JSON.parse. */
const MAX_CHARS = 2_097_152

const checkJob = defineCpuJob<JsonCheck, JsonCheckResult>({
  beside: import.meta.url,
  file: 'json-check.worker',
  name: 'checkJson',
  timeoutMs: 2_000,
})

/**
 * Checks answers against JSON Schema, draft 2020-12. Schemas of task types are trusted: they are compiled at start, known by their identity
 * and applied here to short answers. Schemas of messages are not: they are compiled and applied on another thread, which is ended when it
 * takes too long.
 */
@Injectable()
export class JsonSchemaOutputChecker extends OutputChecker {
  private readonly known = new Map<Schema, ValidateFunction>()

  constructor(
    types: TaskTypes,
    private readonly cpu: CpuPool,
  ) {
    super()
    for (const name of types.names) {
      const schema = types.find(name)?.responseSchema
      if (schema !== undefined) this.known.set(schema, compileSchema(schema, { allErrors: true }))
    }
  }

  override async check(text: string, schema: Schema): Promise<unknown> {
    if (text.length > MAX_CHARS) throw makeOutputError(`has ${text.length} characters, too many to be checked against a schema`)
    const known = text.length <= MAX_CHARS_HERE ? this.known.get(schema) : undefined
    return readResult(known === undefined ? await this.checkElsewhere(text, schema) : applySchema(text, known))
  }

  private async checkElsewhere(text: string, schema: Schema): Promise<JsonCheckResult> {
    const result = await this.cpu.run(checkJob, { text, schema: JSON.stringify(schema) })
    if (result.kind === 'done') return result.value
    const limit = result.kind === 'timed_out' ? `${checkJob.timeoutMs} ms` : 'the memory of a thread'
    throw makeOutputError(`could not be checked against the schema within ${limit}`)
  }
}

function readResult(result: JsonCheckResult): unknown {
  if (result.kind === 'valid') return result.json
  if (result.kind === 'bad_schema') throw TaskError.invalid('invalid_message', `response_schema: ${result.problem}`)
  if (result.kind === 'not_json') throw makeOutputError(`cannot be read as JSON: ${result.problem}`)
  throw makeOutputError(`does not match the schema: ${nameFirst(result.problems)}`)
}

function nameFirst(problems: readonly string[]): string {
  const more = problems.length - MAX_NAMED_PROBLEMS
  return `${problems.slice(0, MAX_NAMED_PROBLEMS).join('; ')}${more > 0 ? ` (and ${more} more)` : ''}`
}

function makeOutputError(problem: string): TaskError {
  return TaskError.invalid('output_invalid', `the answer ${problem}`)
}
