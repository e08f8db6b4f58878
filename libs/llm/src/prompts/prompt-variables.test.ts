import { describe, expect, it } from 'vitest'
import { makeVariables } from './prompt-variables.js'

const declared = {
  text: { type: 'string', max_length: 5 },
  count: { type: 'number', default: 3 },
  tags: { type: 'list', required: false, max_length: 2 },
  flag: { type: 'boolean', required: false },
  facts: { type: 'object', required: false },
} as const

function make(given: Record<string, unknown>) {
  return makeVariables(declared, given, 'summary@1')
}

describe(makeVariables.name, () => {
  it('adds defaults, and null for what may be left out', () => {
    expect(make({ text: 'abc' })).toEqual({ text: 'abc', count: 3, tags: null, flag: null, facts: null })
    expect(make({ text: 'abc', count: 0, tags: [1], flag: false, facts: {} })).toEqual({
      text: 'abc',
      count: 0,
      tags: [1],
      flag: false,
      facts: {},
    })
  })

  it('names every missing variable', () => {
    expect(() => make({})).toThrow(
      expect.objectContaining({ code: 'template_variable_missing', message: 'template.variables: summary@1 needs text' }),
    )
  })

  it('names every unknown variable, shortened, and those that there are', () => {
    expect(() => make({ text: 'a', txet: 1, ['x'.repeat(500)]: 2 })).toThrow(
      expect.objectContaining({
        code: 'template_variable_unknown',
        message: `template.variables: summary@1 has no "txet", "${'x'.repeat(64)}..."; it has text, count, tags, flag, facts`,
      }),
    )
    expect(() => makeVariables({}, { a: 1 }, 'empty@1')).toThrow('it has none')
  })

  it('takes names of inherited properties as unknown', () => {
    expect(() => make(JSON.parse('{"text":"a","__proto__":{"x":1},"toString":1}') as Record<string, unknown>)).toThrow(
      '"__proto__", "toString"',
    )
  })

  it('names every variable of a wrong type or size, never its value', () => {
    const wrong = { text: 'secret', count: '3', tags: [1, 2, 3], flag: null, facts: [] }
    expect(() => make(wrong)).toThrow(
      expect.objectContaining({
        code: 'template_invalid',
        message:
          'template.variables.text: must have at most 5 characters (has 6); template.variables.count: must be a number; ' +
          'template.variables.tags: must have at most 2 items (has 3); template.variables.flag: must be true or false; ' +
          'template.variables.facts: must be an object',
      }),
    )
  })
})
