import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scanJsonShape } from './message-parser.scan.js'

function scan(text: string) {
  return scanJsonShape(Buffer.from(text))
}

/** The same by walking the parsed value. */
function shapeOf(value: unknown): { depth: number; keys: number } {
  if (typeof value !== 'object' || value === null) return { depth: 0, keys: 0 }
  const children = Object.values(value).map(shapeOf)
  return {
    depth: 1 + Math.max(0, ...children.map(({ depth }) => depth)),
    keys: (Array.isArray(value) ? 0 : Object.keys(value).length) + children.reduce((sum, { keys }) => sum + keys, 0),
  }
}

describe(scanJsonShape.name, () => {
  it('measures nesting and keys', () => {
    expect(scan('{"a":{"b":[1,{"c":2}]},"d":[]}')).toEqual({ depth: 4, keys: 4 })
    expect(scan('"text"')).toEqual({ depth: 0, keys: 0 })
  })

  it.each([
    ['brackets and colons', '{[:]}'],
    ['escaped quotes', '\\"{'],
    ['escaped backslashes', '\\\\'],
    ['an escaped quote past the short part', `${'x'.repeat(200)}\\"{:[`],
    ['escaped backslashes at the end of a long text', `${'x'.repeat(200)}\\\\`],
    ['an escape across the end of the short part', `${'x'.repeat(95)}\\"{:[${'y'.repeat(50)}`],
  ])('does not look into strings with %s', (_, content) => {
    expect(scan(`{"a":"${content}","b":[]}`)).toEqual({ depth: 2, keys: 2 })
  })

  it.each(['"never closed', `"never closed${'x'.repeat(300)}`, `"${'x'.repeat(300)}\\"`, '"\\', ']]]{', ''])(
    'comes to an end with %j',
    (text) => {
      expect(scan(text)).toEqual({ depth: 0, keys: 0 })
    },
  )

  it('agrees with a walk over the parsed value', () => {
    const long = fc.string({ minLength: 90, maxLength: 130, unit: fc.constantFrom('\\', '"', '{', ':', 'a', 'ж') })
    const json = fc.oneof(fc.jsonValue({ maxDepth: 5 }), fc.array(fc.dictionary(long, long)))
    fc.assert(
      fc.property(json, (value) => {
        expect(scan(JSON.stringify(value))).toEqual(shapeOf(value))
      }),
    )
  })
})
