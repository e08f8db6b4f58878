import { compileSchema } from './json-check.worker.js'
import { findMetaSchemaProblem } from './meta-schema.js'

const MAX_SCHEMA_CHARS = 65_536
const MAX_DEPTH = 24
const DRAFT = 'https://json-schema.org/draft/2020-12/schema'

/**
 * What is wrong with a JSON Schema that answers are to be checked by, as far as that is cheap to know before a call is paid for; undefined
 * where nothing is. A schema of a message is not trusted: it is small, flat enough, and refers to nothing outside itself.
 */
export function findSchemaProblem(schema: Readonly<Record<string, unknown>>): string | undefined {
  const problem = findShapeProblem(schema, schema, 0)
  if (problem !== undefined) return problem
  const chars = JSON.stringify(schema).length
  if (chars > MAX_SCHEMA_CHARS) return `has ${chars} characters as JSON, more than ${MAX_SCHEMA_CHARS}`
  if (schema.$schema !== undefined && schema.$schema !== DRAFT && schema.$schema !== `${DRAFT}#`)
    return `$schema must be ${DRAFT} or left out`
  return findMetaSchemaProblem(schema)
}

/** The same for the schema of a task type, which is also compiled: unknown keywords are misspelt ones there. */
export function findStrictSchemaProblem(schema: Readonly<Record<string, unknown>>): string | undefined {
  const problem = findSchemaProblem(schema)
  if (problem !== undefined) return problem
  try {
    compileSchema(schema, { allErrors: true, strict: true })
    return undefined
  } catch (error) {
    return `cannot be used: ${(error as Error).message}`
  }
}

function findShapeProblem(node: unknown, root: unknown, depth: number): string | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  if (depth > MAX_DEPTH) return `is nested more than ${MAX_DEPTH} levels deep`
  for (const [name, child] of Object.entries(node)) {
    const problem =
      findReferenceProblem(name, child, { root, isRoot: node === root }) ??
      findPatternProblem(name, child) ??
      findShapeProblem(child, root, depth + 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

function findReferenceProblem(name: string, value: unknown, { root, isRoot }: { root: unknown; isRoot: boolean }): string | undefined {
  if (typeof value !== 'string') return undefined
  if (name === '$id' && !isRoot) return '$id is allowed only at the top'
  if (name !== '$ref' && name !== '$dynamicRef') return undefined
  if (!value.startsWith('#')) return `${name} must begin with "#": nothing is fetched`
  if (value.startsWith('#/') && !pointsInto(root, value)) return `${name} points to nothing in the schema`
  return undefined
}

/** Ajv compiles the meta-schema without its formats, of which `regex` is one. */
function findPatternProblem(name: string, value: unknown): string | undefined {
  if (name === 'pattern' && typeof value === 'string') return isRegularExpression(value) ? undefined : 'pattern is not a regular expression'
  if (name !== 'patternProperties' || typeof value !== 'object' || value === null) return undefined
  return Object.keys(value).every(isRegularExpression) ? undefined : 'patternProperties has a name that is not a regular expression'
}

/** As Ajv compiles them. */
function isRegularExpression(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp
  } catch {
    return false
  }
}

/** Follows a JSON pointer in a URI fragment (RFC 6901, section 6). */
function pointsInto(root: unknown, fragment: string): boolean {
  let node = root
  for (const part of fragment.slice(2).split('/')) {
    const name = decodeFragment(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, name)) return false
    node = (node as Record<string, unknown>)[name]
  }
  return true
}

function decodeFragment(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
