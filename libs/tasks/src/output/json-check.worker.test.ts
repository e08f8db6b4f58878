import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applySchema, checkJson, compileSchema, extractJson } from './json-check.worker.js'

const schema = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string' }, tags: { type: 'array', items: { enum: ['a', 'b'] } }, when: { type: 'string', format: 'date' } },
}

function check(value: unknown, by: object = schema) {
  return checkJson({ text: typeof value === 'string' ? value : JSON.stringify(value), schema: JSON.stringify(by) })
}

describe(extractJson.name, () => {
  it.each([
    ['the whole text', ' {"a":1}\n'],
    ['a fence', '```json\n{"a":1}\n```'],
    ['a fence without a language', '```\n{"a":1}\n```'],
    ['a fence in one line', '```json {"a":1}```'],
    ['a fence between sentences', 'Вот результат:\n\n```JSON\r\n{"a":1}\r\n```\nГотово.'],
  ])('takes %s', (_, text) => {
    expect(extractJson(text)).toEqual({ json: { a: 1 } })
  })

  it('takes a fence whose JSON has a fence in a string', () => {
    expect(extractJson('```json\n{"code":"```js\\n1\\n```"}\n```')).toEqual({ json: { code: '```js\n1\n```' } })
  })

  it.each([
    ['Извините, не могу.', 'it is not JSON'],
    ['', 'it is not JSON'],
    ['{"a":', 'it is not JSON'],
    ['```json\n{"a":1}', 'its code fence is not closed'],
    ['```json\n{"a":}\n```', 'what stands in its code fence is not JSON'],
    ['```json\n1\n```\n```json\n2\n```', 'it has more than one code fence'],
    [`${'['.repeat(101)}${']'.repeat(101)}`, 'it is nested more than 100 levels deep'],
  ])('says what is wrong with %.30j', (text, problem) => {
    expect(extractJson(text)).toEqual({ problem })
  })

  it('gives back every JSON value that is flat enough, bare and fenced', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = JSON.parse(JSON.stringify(value)) as unknown
        expect(extractJson(JSON.stringify(value))).toEqual({ json })
        expect(extractJson(`Ответ:\n\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``)).toEqual({ json })
      }),
    )
  })

  it('never throws on any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('`', '{', '}', '"', '\\', '[', ']', 'json', '1', '\n') }), (text) => {
        expect(Object.keys(extractJson(text))).toHaveLength(1)
      }),
    )
  })
})

describe(checkJson.name, () => {
  it('gives the JSON where it matches', () => {
    expect(check({ name: 'x', tags: ['a'], when: '2026-01-31' })).toEqual({
      kind: 'valid',
      json: { name: 'x', tags: ['a'], when: '2026-01-31' },
    })
  })

  it('names the place and the rule of every mismatch, never a value', () => {
    expect(check({ tags: ['a', 'secret'], when: 'secret' })).toEqual({
      kind: 'mismatch',
      problems: [
        "the top must have required property 'name'",
        '/tags/1 must be equal to one of the allowed values',
        '/when must match format "date"',
      ],
    })
  })

  it('names only the first mismatch of a long answer', () => {
    const tags = Array.from({ length: 10_000 }, () => 'secret')
    expect(check({ name: 'x', tags })).toEqual({ kind: 'mismatch', problems: ['/tags/0 must be equal to one of the allowed values'] })
  })

  it('cuts long pointers', () => {
    const result = check({ ['k'.repeat(1_000)]: 1 }, { additionalProperties: { type: 'string' } })
    expect(JSON.stringify(result).length).toBeLessThan(300)
  })

  it('says that an answer is not JSON', () => {
    expect(check('no')).toEqual({ kind: 'not_json', problem: 'it is not JSON' })
  })

  it.each([
    ['an unresolved reference', { $ref: '#/$defs/none' }],
    ['a reference to another document', { $ref: 'https://example.com/schema.json' }],
    ['a broken pattern', { type: 'string', pattern: '(' }],
    ['a keyword of the wrong type', { type: 'string', maxLength: 'x' }],
  ])('takes %s as a bad schema', (_, by) => {
    expect(check('"x"', by).kind).toBe('bad_schema')
  })

  it('tolerates unknown keywords and formats', () => {
    expect(check('"x"', { type: 'string', format: 'isbn', 'x-note': 1 }).kind).toBe('valid')
  })

  it('keeps schemas with one $id apart', () => {
    const $id = 'https://example.com/same'
    expect(check('1', { $id, type: 'number' }).kind).toBe('valid')
    expect(check('1', { $id, type: 'string' }).kind).toBe('mismatch')
  })

  it('forgets the schema that was not used for the longest time', () => {
    for (let index = 0; index < 200; index++) expect(check(String(index), { const: index }).kind).toBe('valid')
    expect(check('0', { const: 0 }).kind).toBe('valid')
  })

  it('survives a schema that never ends to refer to itself', () => {
    expect(check('1', { $ref: '#' })).toMatchObject({ kind: 'mismatch', problems: ['it cannot be checked: RangeError'] })
  })
})

describe(applySchema.name, () => {
  it('reads `__proto__` as data', () => {
    const validate = compileSchema({ type: 'object', additionalProperties: { type: 'number' } }, { allErrors: true })
    expect(applySchema('{"__proto__":{"polluted":1}}', validate)).toEqual({ kind: 'mismatch', problems: ['/__proto__ must be number'] })
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})

describe(compileSchema.name, () => {
  it('refuses unknown keywords where it is told to be strict', () => {
    expect(() => compileSchema({ type: 'string', maxLenght: 5 }, { allErrors: true, strict: true })).toThrow(/unknown keyword: "maxLenght"/)
  })
})
