import { taskMessageSchema, TASK_LIMITS, type TaskMessage } from '#libs/contracts'
import { describeSchemaIssue } from '#libs/config'
import { TaskError, type Delivery, type UnreadRecords } from '#libs/kernel'
import { Inject, Injectable } from '@nestjs/common'
import { isUtf8 } from 'node:buffer'
import { scanJsonShape } from './message-parser.scan.js'
import { messageSettings, type MessageSettings } from './message-parser.settings.js'

const MAX_DEPTH = 32
const MAX_KEYS = 10_000
const MAX_NAMED_PROBLEMS = 5

/** A task, or why the delivery is none. `taskId` is given where one could be read all the same, for the dead letter. */
export type ParsedMessage =
  | { readonly message: TaskMessage; readonly error?: never; readonly taskId?: never }
  | { readonly error: TaskError; readonly message?: never; readonly taskId?: string }

/**
 * Turns the bytes of a record into a task. Nothing in them is trusted: size, UTF-8, nesting and the number of keys are checked before
 * they are parsed, and an error never repeats what they say. Never throws.
 *
 * Rules for odd text: NUL and lone surrogates (as JSON escapes) are allowed in prompts, variables and metadata, since the ledger keeps
 * the record's bytes; ids and names exclude them by their pattern. Bytes that are not UTF-8 are refused. Where a name comes twice the
 * last one counts. `__proto__` is a name like any other to JSON.parse and is dropped by the schema.
 */
@Injectable()
export class MessageParser {
  constructor(@Inject(messageSettings.KEY) private readonly settings: MessageSettings) {}

  parse({ value, unread }: Pick<Delivery, 'value' | 'unread'>): ParsedMessage {
    if (unread !== undefined) return refuse('message_too_large', describeUnread(unread))
    if (value === null) return refuse('tombstone', 'the record has no value: a task cannot be taken back by a tombstone')
    const { maxMessageBytes } = this.settings
    if (value.length > maxMessageBytes) {
      return refuse('message_too_large', `the value has ${value.length} bytes, more than MAX_MESSAGE_BYTES (${maxMessageBytes})`)
    }
    return parseBytes(value)
  }

  /** The payload of a task that was accepted, as the ledger gives it back. It has been measured before. */
  parseStored(payload: string): ParsedMessage {
    return parseStoredMessage(payload)
  }
}

function describeUnread({ firstOffset, lastOffset, count, sizeBytes, sha256, maxBytes }: UnreadRecords): string {
  return (
    `${count} records at the offsets ${firstOffset} to ${lastOffset} were not read: compressed together they have ${sizeBytes} bytes ` +
    `(SHA-256 ${sha256}), unpacked they take more than KAFKA_UNPACKED_BATCH_BYTES (${maxBytes})`
  )
}

function parseBytes(value: Buffer): ParsedMessage {
  if (!isUtf8(value)) return refuse('invalid_json', 'the value is not UTF-8')
  const { depth, keys } = scanJsonShape(value)
  if (depth > MAX_DEPTH) return refuse('invalid_message', `the value is nested ${depth} levels deep, more than ${MAX_DEPTH}`)
  if (keys > MAX_KEYS) return refuse('invalid_message', `the value has ${keys} keys, more than ${MAX_KEYS}`)
  return parseStoredMessage(value.toString('utf8'))
}

export function parseStoredMessage(text: string): ParsedMessage {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    return refuse('invalid_json', `the value is not JSON${positionOf(error)}`)
  }
  return checkShape(json)
}

function checkShape(json: unknown): ParsedMessage {
  const kind = readField(json, 'kind')
  if (kind !== undefined && kind !== 'chat' && typeof kind === 'string') {
    return refuse('unsupported_kind', 'kind: only chat is supported', readTaskId(json))
  }
  const checked = taskMessageSchema.safeParse(json)
  if (checked.success) return { message: checked.data }
  const problems = checked.error.issues.flatMap((issue) => describeSchemaIssue(issue, taskMessageSchema))
  const named = problems.slice(0, MAX_NAMED_PROBLEMS).map(({ path, problem }) => (path === '' ? problem : `${path}: ${problem}`))
  const more = problems.length > named.length ? ` (and ${problems.length - named.length} more)` : ''
  return refuse('invalid_message', `${named.join('; ')}${more}`, readTaskId(json))
}

/** The message of a SyntaxError repeats a piece of the text, so only the place is taken from it. */
function positionOf(error: unknown): string {
  const position = /at position \d+/.exec((error as Error).message)
  return position === null ? '' : ` (error ${position[0]})`
}

function readTaskId(json: unknown): string | undefined {
  const id = readField(json, 'task_id')
  return typeof id === 'string' && TASK_LIMITS.taskIdPattern.test(id) ? id : undefined
}

function readField(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null && Object.hasOwn(json, name) ? (json as Record<string, unknown>)[name] : undefined
}

function refuse(code: TaskError['code'], message: string, taskId?: string): ParsedMessage {
  return { error: TaskError.invalid(code, message), ...(taskId !== undefined && { taskId }) }
}
