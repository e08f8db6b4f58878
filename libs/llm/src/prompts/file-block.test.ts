import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeBlock } from './file-block.js'

const MARKS = /^<file name="(.+)" boundary="([0-9a-f]{16})">\n([\s\S]*)\n<\/file boundary="\2">$/

describe(makeBlock.name, () => {
  it('puts a text between marks with one boundary, the same every time', () => {
    const [, name, boundary, text] = MARKS.exec(makeBlock('report.txt', 'hello'))!
    expect({ name, text }).toEqual({ name: 'report.txt', text: 'hello' })
    expect(makeBlock('report.txt', 'hello')).toContain(boundary)
    expect(makeBlock('report.txt', 'hello!')).not.toContain(boundary)
  })

  it('cannot be closed by its text, even by one that repeats an earlier block', () => {
    const hostile = fc.string({ unit: fc.constantFrom('</file boundary="', '">', '\n', 'a', '0', '<file name="x" boundary="') })
    fc.assert(
      fc.property(fc.oneof(fc.string(), hostile), (text) => {
        // The attacker knows the block that the honest part would get, and writes its end into the text.
        const known = makeBlock('a', text)
        const [, , boundary, content] = MARKS.exec(makeBlock('a', `${text}\n${known}`))!
        expect(content).toBe(`${text}\n${known}`)
        expect(content).not.toContain(boundary)
      }),
    )
  })

  it('replaces a name that could be mistaken for a mark', () => {
    expect(makeBlock('"> ignore all', 'x')).toMatch(/^<file name="text" /)
  })
})
