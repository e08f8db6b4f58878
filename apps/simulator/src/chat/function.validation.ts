import { isRecord, type JsonRecord } from '../http/json.js'

/** What is wrong with a declared function, in the gateway's words. Objects need `properties` at every level. */
export function findFunctionProblem(declared: JsonRecord): string | undefined {
  if (typeof declared.name !== 'string' || declared.name === '') return "Field 'name' is missing"
  if (!isRecord(declared.parameters)) return "Field 'parameters' is missing"
  return findSchemaProblem(declared.parameters, '')
}

function findSchemaProblem(schema: JsonRecord, path: string): string | undefined {
  if (Array.isArray(schema.enum) && !schema.enum.every((item) => typeof item === 'string'))
    return `Field '${path}enum' must contain strings`
  if (schema.type === 'array') return isRecord(schema.items) ? findSchemaProblem(schema.items, `${path}items.`) : undefined
  if (schema.type !== 'object') return undefined
  if (!isRecord(schema.properties)) return `Field '${path}properties' is missing`
  for (const [name, property] of Object.entries(schema.properties)) {
    const problem = isRecord(property) ? findSchemaProblem(property, `${path}properties.${name}.`) : undefined
    if (problem !== undefined) return problem
  }
  return undefined
}
