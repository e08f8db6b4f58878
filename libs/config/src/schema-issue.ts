import { z } from 'zod'
import { findNearestName } from './nearest-name.js'

/** What is wrong with one field of a document, for a person. `path` is as in `params.max_tokens` or `messages[2].role`, '' for the whole. */
export interface FieldProblem {
  readonly path: string
  readonly problem: string
}

const MAX_NAME_CHARS = 64

/**
 * Says what to write instead, and never repeats the value: it may be a prompt. `schema` gives the known names for "did you mean" where
 * a field is unknown.
 */
export function describeSchemaIssue(issue: z.core.$ZodIssue, schema: z.ZodType): FieldProblem[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: formatPath(issue.path), problem: problemOf(issue) }]
  const known = knownNames(schema, issue.path)
  return issue.keys.map((key) => ({ path: formatPath([...issue.path, shorten(key)]), problem: unknownField(key, known) }))
}

export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? String(part) : `${text}.${String(part)}`
  }, '')
}

export function unknownField(name: string, known: readonly string[]): string {
  const nearest = findNearestName(name, known)
  const hint = nearest === undefined ? `known fields: ${known.join(', ')}` : `did you mean ${nearest}?`
  return `unknown field; ${hint}`
}

function problemOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `${isMissing(issue) ? 'is missing: ' : ''}must be ${TYPE_WORDS[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`
    case 'too_small':
      return `must ${boundary(issue.origin, 'at least', issue.inclusive, issue.minimum)}`
    case 'too_big':
      return `must ${boundary(issue.origin, 'at most', issue.inclusive, issue.maximum)}`
    case 'invalid_format':
      return issue.format === 'datetime' ? 'must be a time of RFC 3339 with its offset, as in 2026-01-31T12:00:00Z' : issue.message
    default:
      return issue.message
  }
}

/** zod leaves the input out of its issues, and says this instead. */
function isMissing(issue: z.core.$ZodIssue): boolean {
  return issue.message.endsWith('received undefined')
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

function boundary(origin: string, word: string, inclusive: boolean | undefined, limit: number | bigint): string {
  if (inclusive === false) return `be ${word === 'at least' ? 'greater' : 'less'} than ${limit}`
  if (origin === 'string') return `have ${word} ${limit} character${limit === 1 ? '' : 's'}`
  if (origin === 'array' || origin === 'set') return `have ${word} ${limit} item${limit === 1 ? '' : 's'}`
  return `be ${word} ${limit}`
}

/** The names that the schema knows at a path. Looks through optional, default and the like. */
function knownNames(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current: z.core.$ZodType = unwrap(schema)
  for (const part of path) {
    if (current instanceof z.ZodObject) current = unwrap(current.shape[String(part)] as z.core.$ZodType)
    else if (current instanceof z.ZodArray) current = unwrap(current.element)
    else if (current instanceof z.ZodRecord) current = unwrap(current.valueType)
    else return []
  }
  return current instanceof z.ZodObject ? Object.keys(current.shape) : []
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  let current = schema
  while (current instanceof z.ZodOptional || current instanceof z.ZodDefault || current instanceof z.ZodPrefault) {
    current = current.unwrap()
  }
  return current
}

function shorten(name: string): string {
  return name.length > MAX_NAME_CHARS ? `${name.slice(0, MAX_NAME_CHARS)}...` : name
}
