import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SseParser, type SseEvent } from './sse.parser.js'

function parse(...pieces: (string | Uint8Array)[]): SseEvent[] {
  const parser = new SseParser()
  return pieces.flatMap((piece) => parser.push(typeof piece === 'string' ? Buffer.from(piece) : piece))
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((one, other) => one - other)
  return [...ends, bytes.length].map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1]!, end))
}

describe(SseParser.name, () => {
  it('gives the same events however the bytes are cut', () => {
    const line = fc.oneof(
      fc.string({ unit: 'grapheme' }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, ' ')}`),
      fc.constantFrom('data', 'data:', 'event: done', ': ping', 'id: 1', 'nonsense', '', '', 'data: Привет 🙂'),
    )
    const stream = fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 12 })
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 20 }), (lines, places) => {
        const bytes = Buffer.from(lines.map(([text, end]) => text + end).join(''))
        expect(parse(...cut(bytes, places))).toEqual(parse(bytes))
      }),
    )
  })

  it('gives the same events byte by byte, inside Cyrillic characters too', () => {
    const bytes = Buffer.from('data: {"content":"Привет, мир 🙂"}\r\n\r\nevent: done\rdata: [DONE]\r\r')
    const expected = [
      { event: 'message', data: '{"content":"Привет, мир 🙂"}' },
      { event: 'done', data: '[DONE]' },
    ]
    expect(parse(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected)
  })

  it('joins the data lines of one event', () => {
    expect(parse('data: a\ndata:b\ndata\n\n')).toEqual([{ event: 'message', data: 'a\nb\n' }])
  })

  it('skips comments, empty events and a byte order mark', () => {
    expect(parse('\uFEFF: hello\n\n\nevent: x\n\nid: 7\ndata: y\n\n')).toEqual([{ event: 'message', data: 'y' }])
  })

  it('drops an event that was not ended', () => {
    expect(parse('data: a\n\ndata: b\n')).toEqual([{ event: 'message', data: 'a' }])
  })

  it('takes an LF after a CR at a cut as one line end', () => {
    expect(parse('data: a\r', '\n', '\r\n', 'data: b\n\n')).toEqual([
      { event: 'message', data: 'a' },
      { event: 'message', data: 'b' },
    ])
  })
})
