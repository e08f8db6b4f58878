import { isRecord, type JsonRecord } from '../http/json.js'

/** The smallest sensible value for a JSON Schema; free strings become `text`, so that the answer still shows whose it is. */
export function makeJsonOfSchema(schema: JsonRecord, text: string): unknown {
  if ('const' in schema) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0]
  const type: unknown = Array.isArray(schema.type) ? schema.type[0] : schema.type
  switch (type) {
    case 'object':
      return makeObject(schema, text)
    case 'array':
      return isRecord(schema.items) ? [makeJsonOfSchema(schema.items, text)] : []
    case 'integer':
    case 'number':
      return typeof schema.minimum === 'number' ? schema.minimum : 1
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return typeof schema.maxLength === 'number' ? text.slice(0, schema.maxLength) : text
  }
}

function makeObject(schema: JsonRecord, text: string): JsonRecord {
  const properties = isRecord(schema.properties) ? schema.properties : {}
  const entries = Object.entries(properties).map(([name, property]) => [name, isRecord(property) ? makeJsonOfSchema(property, text) : null])
  return Object.fromEntries(entries) as JsonRecord
}
