import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatTraceParent, isTraceParent, parseTraceParent, spanIdOf, traceIdOf } from '#libs/tracing'

const VALID = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

const hexDigit = fc.integer({ min: 0, max: 15 }).map((digit) => digit.toString(16))
const hex = (length: number) => fc.string({ unit: hexDigit, minLength: length, maxLength: length }).filter((id) => /[^0]/.test(id))

describe(parseTraceParent.name, () => {
  it('reads the trace, the span and the sampled flag', () => {
    const parent = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', sampled: true }
    expect(parseTraceParent(VALID)).toEqual(parent)
    expect(parseTraceParent(VALID.replace(/01$/, '02'))).toEqual({ ...parent, sampled: false })
    expect(traceIdOf(VALID)).toBe(parent.traceId)
    expect(spanIdOf(VALID)).toBe(parent.spanId)
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['an empty text', ''],
    ['a zero trace id', VALID.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32))],
    ['a zero span id', VALID.replace('b7ad6b7169203331', '0'.repeat(16))],
    ['upper case', VALID.toUpperCase()],
    ['another version', VALID.replace(/^00/, '01')],
    ['the forbidden version', VALID.replace(/^00/, 'ff')],
    ['more fields', `${VALID}-00`],
    ['a line end', `${VALID}\n`],
    ['a leading space', ` ${VALID.slice(0, -1)}`],
    ['a megabyte', '0'.repeat(1_048_576)],
    ['SQL', "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333'-01"],
  ])('ignores %s', (_name, text) => {
    expect(parseTraceParent(text)).toBeUndefined()
    expect(isTraceParent(text)).toBe(false)
  })

  it('reads back whatever is formatted', () => {
    fc.assert(
      fc.property(fc.record({ traceId: hex(32), spanId: hex(16), sampled: fc.boolean() }), (parent) => {
        expect(parseTraceParent(formatTraceParent(parent))).toEqual(parent)
      }),
    )
  })
})
