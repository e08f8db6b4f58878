import { describe, expect, it } from 'vitest'
import { cleanText, makeTable } from './print.js'

describe(makeTable.name, () => {
  it('lines its columns up, and marks what is not there', () => {
    const at = new Date(Date.UTC(2030, 0, 2))
    expect(
      makeTable(
        ['A', 'LONG NAME'],
        [
          ['x', null],
          ['longer', at],
          ['', 0],
        ],
      ),
    ).toBe(['A       LONG NAME', 'x       -', 'longer  2030-01-02T00:00:00.000Z', '-       0'].join('\n'))
  })
})

describe(cleanText.name, () => {
  it('leaves nothing in a text that could move the cursor, start a line or turn the writing round', () => {
    expect(cleanText('a\u001b[2Jb\r\nc\u202ed\u2028e')).toBe('a [2Jb c d e')
  })
})
