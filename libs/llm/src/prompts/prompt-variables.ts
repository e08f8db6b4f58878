import { TaskError } from '#libs/kernel'
import type { VariableDeclaration } from './prompt-template.schema.js'

type Declarations = Readonly<Record<string, VariableDeclaration>>
type Values = Readonly<Record<string, unknown>>

const TYPE_WORDS: Readonly<Record<VariableDeclaration['type'], string>> = {
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  list: 'a list',
  object: 'an object',
}

/**
 * The variables of one rendering: what the task gives, checked, and the defaults. Throws TaskError `template_variable_unknown`,
 * `template_variable_missing` or `template_invalid` that names every variable it is about, never a value.
 */
export function makeVariables(declared: Declarations, given: Values, template: string): Record<string, unknown> {
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(declared, name))
  if (unknown.length > 0) {
    throw TaskError.invalid(
      'template_variable_unknown',
      `template.variables: ${template} has no ${unknown.map(shorten).join(', ')}; it has ${Object.keys(declared).join(', ') || 'none'}`,
    )
  }
  const missing = Object.keys(declared).filter((name) => !Object.hasOwn(given, name) && isRequired(declared[name]!))
  if (missing.length > 0) {
    throw TaskError.invalid('template_variable_missing', `template.variables: ${template} needs ${missing.join(', ')}`)
  }
  const wrong = Object.keys(given).flatMap((name) => describeWrong(name, given[name], declared[name]!))
  if (wrong.length > 0) throw TaskError.invalid('template_invalid', wrong.join('; '))
  return Object.fromEntries(
    Object.entries(declared).map(([name, declaration]) => [name, Object.hasOwn(given, name) ? given[name] : (declaration.default ?? null)]),
  )
}

/** What is wrong with a value; undefined where nothing is. */
export function findValueProblem(value: unknown, { type, max_length: maxLength }: VariableDeclaration): string | undefined {
  if (typeOf(value) !== type) return `must be ${TYPE_WORDS[type]}`
  if (maxLength === undefined || (value as string | unknown[]).length <= maxLength) return undefined
  return `must have at most ${maxLength} ${type === 'list' ? 'items' : 'characters'} (has ${(value as string | unknown[]).length})`
}

function describeWrong(name: string, value: unknown, declaration: VariableDeclaration): string[] {
  const problem = findValueProblem(value, declaration)
  return problem === undefined ? [] : [`template.variables.${name}: ${problem}`]
}

function isRequired({ required, default: value }: VariableDeclaration): boolean {
  return value === undefined && required !== false
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'list'
  return value === null ? 'null' : typeof value
}

function shorten(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}...` : name)
}
