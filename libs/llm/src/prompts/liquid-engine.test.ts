import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeLiquidEngine } from './liquid-engine.js'

const engine = makeLiquidEngine()

function render(template: string, scope: object = {}): string {
  return String(engine.renderSync(engine.parse(template), scope))
}

describe(makeLiquidEngine.name, () => {
  it.each(['include', 'render', 'layout', 'block'])('has no tag %s', (tag) => {
    expect(() => engine.parse(`{% ${tag} "/etc/passwd" %}`)).toThrow(/not found/)
  })

  it.each(['where_exp', 'reject_exp', 'group_by_exp', 'has_exp', 'find_exp', 'find_index_exp'])(
    'has no filter %s, which would evaluate its argument',
    (filter) => {
      expect(() => engine.parse(`{{ list | ${filter}: "i", expression }}`)).toThrow(/undefined filter/)
    },
  )

  it('refuses unknown filters and undefined variables', () => {
    expect(() => engine.parse('{{ a | upcasee }}')).toThrow('undefined filter: upcasee')
    expect(() => render('{{ a.b }}', { a: {} })).toThrow('undefined variable: a.b')
  })

  it('may ask whether a variable is there', () => {
    expect(render('{% if a.b %}yes{% else %}no{% endif %}', { a: {} })).toBe('no')
  })

  it.each(['constructor', '__proto__', 'toString'])('reads no inherited property %s', (name) => {
    expect(() => render(`{{ a["${name}"] }}`, { a: {} })).toThrow('undefined variable')
    expect(() => render('{{ a[name] }}', { a: {}, name })).toThrow('undefined variable')
  })

  it('writes lists and objects as JSON, whatever they are named inside', () => {
    expect(render('{{ a }} {{ b }}', { a: { toString: 1, b: [1] }, b: ['x', null] })).toBe('{"toString":1,"b":[1]} ["x",null]')
    expect(render('[{{ a }}|{{ b }}]', { a: null, b: false })).toBe('[|false]')
  })

  it('never evaluates what a variable holds', () => {
    const liquid = fc.string({
      unit: fc.constantFrom('{{', '}}', '{%', '%}', ' secret ', 'if', '|', 'raw', '"', '{{ secret }}', '{% assign x = secret %}'),
    })
    fc.assert(
      fc.property(fc.oneof(liquid, fc.string()), (value) => {
        expect(render('<{{ value }}{{ list[0] }}{{ value | upcase | downcase }}>', { value, list: [value], secret: 'KEY' })).toBe(
          `<${value}${value}${value.toUpperCase().toLowerCase()}>`,
        )
      }),
    )
  })

  it('puts a value into a block that it cannot forge', () => {
    expect(render('{{ a | block: "report" }}', { a: 'text' })).toMatch(/^<file name="report" boundary="\w{16}">\ntext\n<\/file/)
    expect(render('{{ a | block }}', { a: 5 })).toMatch(/^<file name="text" boundary="\w{16}">\n5\n<\/file/)
  })

  it('stops what would fill the memory', () => {
    expect(() => render('{% for i in (1..n) %}x{% endfor %}', { n: 1e12 })).toThrow('memory alloc limit exceeded')
    expect(() => render('{% for i in list %}{{ text }}{% endfor %}', { list: Array(1_000).fill(0), text: 'x'.repeat(100_000) })).toThrow(
      'memory alloc limit exceeded',
    )
  })

  it('stops what takes too long', () => {
    const list = Array(10_000).fill(0)
    expect(() => render('{% for i in list %}{% for j in list %}{% assign x = i | plus: j %}{% endfor %}{% endfor %}', { list })).toThrow(
      'template render limit exceeded',
    )
  })

  it('refuses a template that is too long', () => {
    expect(() => engine.parse('x'.repeat(200_001))).toThrow('parse length limit exceeded')
  })
})
