import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { fullFormats } from 'ajv-formats/dist/formats.js'

export interface JsonCheck {
  readonly text: string
  /** The schema as JSON: one text is compiled once. */
  readonly schema: string
}

/** `problems` name places and rules, never values. */
export type JsonCheckResult =
  | { readonly kind: 'valid'; readonly json: unknown }
  | { readonly kind: 'not_json'; readonly problem: string }
  | { readonly kind: 'mismatch'; readonly problems: readonly string[] }
  | { readonly kind: 'bad_schema'; readonly problem: string }

const MAX_COMPILED = 64
const MAX_DEPTH = 100
const MAX_POINTER_CHARS = 200
/** Up to here all mismatches are looked for; each of them costs memory, and a longer answer could have a million. */
const MAX_THOROUGH_CHARS = 32_768
const FENCE = '```'

/** Least recently used first. Holds what this thread has compiled. */
const compiled = new Map<string, ValidateFunction>()

/** The job: compiles the schema, or takes it from the last ones, and checks the text against it. */
export function checkJson({ text, schema }: JsonCheck): JsonCheckResult {
  const allErrors = text.length <= MAX_THOROUGH_CHARS
  const key = `${allErrors} ${schema}`
  let validate = compiled.get(key)
  try {
    validate ??= compileSchema(JSON.parse(schema) as object, { allErrors })
  } catch (error) {
    return { kind: 'bad_schema', problem: shorten((error as Error).message) }
  }
  compiled.delete(key)
  compiled.set(key, validate)
  if (compiled.size > MAX_COMPILED) compiled.delete(compiled.keys().next().value!)
  return applySchema(text, validate)
}

/**
 * Every schema gets an Ajv of its own: a shared one remembers the `$id`s of all. References are not inlined, since a large part of a
 * schema that is referred to a thousand times would become a gigantic function.
 */
export function compileSchema(schema: object, { allErrors, strict = false }: { allErrors: boolean; strict?: boolean }): ValidateFunction {
  const ajv = new Ajv2020({
    allErrors,
    strictSchema: strict,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    allowUnionTypes: true,
    inlineRefs: false,
    meta: false,
    validateSchema: false,
    logger: false,
    formats: fullFormats,
  })
  return ajv.compile(schema)
}

export function applySchema(text: string, validate: ValidateFunction): JsonCheckResult {
  const found = extractJson(text)
  if ('problem' in found) return { kind: 'not_json', problem: found.problem }
  try {
    if (validate(found.json)) return { kind: 'valid', json: found.json }
  } catch (error) {
    return { kind: 'mismatch', problems: [`it cannot be checked: ${(error as Error).name}`] }
  }
  return { kind: 'mismatch', problems: (validate.errors ?? []).map(describe) }
}

/** The JSON of an answer: the whole text, or what stands in its only code fence. */
export function extractJson(text: string): { readonly json: unknown } | { readonly problem: string } {
  const whole = parse(text)
  if (whole !== undefined) return limitDepth(whole.json, text)
  const first = text.indexOf(FENCE)
  if (first < 0) return { problem: 'it is not JSON' }
  const last = text.lastIndexOf(FENCE)
  if (last === first) return { problem: 'its code fence is not closed' }
  const block = text.slice(first + FENCE.length, last).replace(/^[ \t]*json\b/i, '')
  const fenced = parse(block)
  if (fenced !== undefined) return limitDepth(fenced.json, block)
  return { problem: block.includes(FENCE) ? 'it has more than one code fence' : 'what stands in its code fence is not JSON' }
}

function parse(text: string): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** Deeper values would overflow the stack of whoever walks them next. */
function limitDepth(json: unknown, text: string): { readonly json: unknown } | { readonly problem: string } {
  return depthOf(text) > MAX_DEPTH ? { problem: `it is nested more than ${MAX_DEPTH} levels deep` } : { json }
}

/** Of a text that is JSON. */
function depthOf(text: string): number {
  let depth = 0
  let nesting = 0
  let inString = false
  for (let index = 0; index < text.length; index++) {
    const char = text[index]
    if (char === '\\') index++
    else if (char === '"') inString = !inString
    else if (inString) continue
    else if (char === '{' || char === '[') depth = Math.max(depth, ++nesting)
    else if (char === '}' || char === ']') nesting--
  }
  return depth
}

/** `/items/0/price must be number`. Ajv puts into its messages what the schema says, and values of the answer only into their params. */
function describe({ instancePath, message }: ErrorObject): string {
  return `${instancePath === '' ? 'the top' : shorten(instancePath)} ${shorten(message ?? 'is wrong')}`
}

function shorten(text: string): string {
  return text.length > MAX_POINTER_CHARS ? `${text.slice(0, MAX_POINTER_CHARS)}...` : text
}
