import { describeError } from './describe-error.serializer.js'
import { limitText } from './limit-text.js'

const MAX_ITEMS = 32
const MAX_DEPTH = 3

/** Names that have held prompts, answers or secrets somewhere: never written, whatever is in them. */
const FORBIDDEN = new Set([
  'accesskey',
  'answer',
  'apikey',
  'authorization',
  'body',
  'choices',
  'completion',
  'content',
  'cookie',
  'credentials',
  'excerpt',
  'headers',
  'messages',
  'original',
  'output',
  'password',
  'payload',
  'prompt',
  'raw',
  'secret',
  'secretkey',
  'text',
  'token',
  'value',
  'variables',
])

/** What every line has; a field of the same name gets a trailing underscore. */
const RESERVED = ['level', 'timestamp', 'service', 'version', 'message'] as const

/**
 * What may be written of the fields of a log line: numbers, booleans, short texts, errors by their own allow-list, and small plain
 * objects of these. Bytes become their size; anything else, its kind.
 */
export function makeSafeFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const safe = safeObject(fields, 0)
  for (const name of RESERVED) {
    if (name in safe) {
      safe[`${name}_`] = safe[name]
      delete safe[name]
    }
  }
  return safe
}

function safeObject(fields: object, depth: number): Record<string, unknown> {
  const safe: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) safe[name] = isForbidden(name) ? '[hidden]' : safeValue(value, depth)
  }
  return safe
}

function isForbidden(name: string): boolean {
  return FORBIDDEN.has(name.toLowerCase().replaceAll(/[-_]/g, ''))
}

function safeValue(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return limitText(value)
    case 'number':
    case 'boolean':
      return value
    case 'bigint':
      return value.toString()
    case 'object':
      return value === null ? null : safeReference(value, depth)
    default:
      return `[${typeof value}]`
  }
}

function safeReference(value: object, depth: number): unknown {
  if (value instanceof Error) return describeError(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (depth >= MAX_DEPTH) return '[object]'
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => safeValue(item, depth + 1))
  return isPlain(value) ? safeObject(value, depth + 1) : `[${value.constructor?.name ?? 'object'}]`
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
