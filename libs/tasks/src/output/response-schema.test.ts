import { describe, expect, it } from 'vitest'
import { findSchemaProblem, findStrictSchemaProblem } from './response-schema.js'

function nest(depth: number): Record<string, unknown> {
  return depth === 0 ? { type: 'string' } : { items: nest(depth - 1) }
}

describe(findSchemaProblem.name, () => {
  it.each([
    [{}],
    [{ type: 'object', properties: { a: { $ref: '#/$defs/a~1b' } }, $defs: { 'a/b': { type: 'string' } } }],
    [{ $schema: 'https://json-schema.org/draft/2020-12/schema', $id: 'https://example.com/a', $ref: '#' }],
    [{ $ref: '#name', $defs: { name: { $anchor: 'name' } } }],
    [{ properties: { $ref: { type: 'string' } } }],
    [{ $ref: '#/$defs/%D1%8F', $defs: { я: true } }],
    [{ $ref: '#/$defs/100%', $defs: { '100%': true } }],
    [nest(20)],
    [{ patternProperties: { '^a': true }, properties: { pattern: true, patternProperties: true } }],
  ])('finds nothing wrong with %j', (schema) => {
    expect(findSchemaProblem(schema)).toBeUndefined()
  })

  it.each([
    [{ $schema: 'http://json-schema.org/draft-07/schema#' }, '$schema must be https://json-schema.org/draft/2020-12/schema or left out'],
    [{ items: { $ref: 'https://evil.example/schema.json' } }, '$ref must begin with "#": nothing is fetched'],
    [{ items: { $dynamicRef: 'other' } }, '$dynamicRef must begin with "#": nothing is fetched'],
    [{ $ref: '#/$defs/none' }, '$ref points to nothing in the schema'],
    [{ $ref: '#/$defs/toString', $defs: {} }, '$ref points to nothing in the schema'],
    [{ items: { $id: 'https://example.com/b' } }, '$id is allowed only at the top'],
    [{ type: 'objekt' }, 'is not a JSON Schema: /type must be equal to one of the allowed values'],
    [{ properties: { a: { pattern: '(' } } }, 'pattern is not a regular expression'],
    [{ patternProperties: { '[': true } }, 'patternProperties has a name that is not a regular expression'],
    [nest(30), 'is nested more than 24 levels deep'],
  ])('says what is wrong with %j', (schema, problem) => {
    expect(findSchemaProblem(schema)).toBe(problem)
  })

  it('refuses a schema that is too large', () => {
    expect(findSchemaProblem({ enum: ['x'.repeat(70_000)] })).toBe('has 70013 characters as JSON, more than 65536')
  })

  it('survives a schema that contains itself, as YAML can', () => {
    const schema: Record<string, unknown> = {}
    schema.items = schema
    expect(findSchemaProblem(schema)).toBe('is nested more than 24 levels deep')
  })
})

describe(findStrictSchemaProblem.name, () => {
  it('also refuses misspelt keywords', () => {
    expect(findStrictSchemaProblem({ type: 'object', requierd: ['a'] })).toBe('cannot be used: strict mode: unknown keyword: "requierd"')
    expect(findStrictSchemaProblem({ type: 5 })).toMatch(/^is not a JSON Schema/)
    expect(findStrictSchemaProblem({ type: ['string', 'null'], format: 'date' })).toBeUndefined()
  })
})
