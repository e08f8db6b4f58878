import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ResponseParser, type ResponseSink } from './response.parser.js'

interface Read {
  readonly heads: { readonly status: number; readonly headers: Record<string, string> }[]
  body: string
  ends: boolean[]
}

function makeParser(): { parser: ResponseParser; read: Read } {
  const read: Read = { heads: [], body: '', ends: [] }
  const sink: ResponseSink = {
    head: (status, headers) => void read.heads.push({ status, headers }),
    data: (chunk) => void (read.body += chunk.toString('latin1')),
    end: (reusable) => void read.ends.push(reusable),
  }
  return { parser: new ResponseParser(sink), read }
}

/** What is read of a response that comes in pieces, cut at these places. */
function parse(response: string, cuts: readonly number[] = []): Read {
  const { parser, read } = makeParser()
  const bytes = Buffer.from(response, 'latin1')
  const places = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length]
  for (let index = 1; index < places.length; index++) parser.push(bytes.subarray(places[index - 1], places[index]))
  return read
}

const LENGTH = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nabcde'
const CHUNKED = 'HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n3;ext=1\r\nabc\r\n2 \r\nde\r\n0\r\nTrailer: x\r\n\r\n'
const EARLY = `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${LENGTH}`

describe(ResponseParser.name, () => {
  it('reads a response with its length', () => {
    expect(parse(LENGTH)).toEqual({ heads: [{ status: 200, headers: { 'content-length': '5', 'x-a': '1' } }], body: 'abcde', ends: [true] })
  })

  it('reads a response in chunks, with extensions and trailers', () => {
    expect(parse(CHUNKED)).toEqual({ heads: [{ status: 200, headers: { 'transfer-encoding': 'Chunked' } }], body: 'abcde', ends: [true] })
  })

  it('reads heads below 200 before the real one', () => {
    expect(parse(EARLY)).toMatchObject({ heads: [{ status: 103 }, { status: 200 }], body: 'abcde', ends: [true] })
  })

  it.each([
    ['with its length', LENGTH],
    ['in chunks', CHUNKED],
    ['behind an informational one', EARLY],
  ])('reads the same of a response %s wherever its bytes are cut', (_, response) => {
    const whole = parse(response)
    const cuts = fc.array(fc.integer({ min: 1, max: response.length - 1 }), { maxLength: 20 })
    fc.assert(
      fc.property(cuts, (places) => {
        expect(parse(response, places)).toEqual(whole)
      }),
    )
    expect(
      parse(
        response,
        Array.from({ length: response.length }, (_byte, index) => index),
      ),
    ).toEqual(whole)
  })

  it('reads several responses of one connection', () => {
    const { parser, read } = makeParser()
    for (const response of [LENGTH, CHUNKED, LENGTH]) parser.push(Buffer.from(response, 'latin1'))
    expect(read).toMatchObject({ body: 'abcdeabcdeabcde', ends: [true, true, true] })
  })

  it.each([
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n'],
    ['no bytes', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['no chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ])('ends a response with %s without a body', (_, response) => {
    expect(parse(response)).toMatchObject({ body: '', ends: [true] })
  })

  it('reads a body without a length until the connection ends', () => {
    const { parser, read } = makeParser()
    parser.push(Buffer.from('HTTP/1.1 200 OK\r\n\r\nabc'))
    expect(read.ends).toEqual([])
    expect(parser.close()).toBe(true)
    expect(read).toMatchObject({ body: 'abc', ends: [false] })
  })

  it.each([
    ['inside a head', LENGTH.slice(0, 20)],
    ['inside a body', LENGTH.slice(0, -1)],
    ['inside a chunk', CHUNKED.slice(0, 58)],
    ['before the last chunk', CHUNKED.slice(0, -20)],
  ])('does not take an end of the connection %s for the end of the response', (_, response) => {
    const { parser, read } = makeParser()
    parser.push(Buffer.from(response, 'latin1'))
    expect(parser.close()).toBe(false)
    expect(read.ends).toEqual([])
  })

  it.each([
    ['the server closes it', LENGTH.replace('X-A: 1', 'Connection: Close')],
    ['HTTP/1.0 does not keep it', LENGTH.replace('HTTP/1.1', 'HTTP/1.0')],
    ['more comes than the response', `${LENGTH}HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx`],
    ['more comes than the last chunk', `${CHUNKED}x`],
  ])('does not reuse the connection when %s', (_, response) => {
    expect(parse(response)).toMatchObject({ body: 'abcde', ends: [false] })
  })

  it('reuses a connection of HTTP/1.0 that is kept', () => {
    expect(parse(LENGTH.replace('HTTP/1.1', 'HTTP/1.0').replace('X-A: 1', 'Connection: keep-alive')).ends).toEqual([true])
  })

  it('joins a header that comes twice, and takes a length that was repeated once', () => {
    const { heads, body } = parse('HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nContent-Length: 1\r\ncontent-length: 1\r\nset-cookie:b\r\n\r\nx')
    expect(heads[0]!.headers['set-cookie']).toBe('a, b')
    expect(body).toBe('x')
  })

  it('has no header that the object itself brings', () => {
    const { heads } = parse('HTTP/1.1 200 OK\r\nConstructor: a\r\nContent-Length: 0\r\n\r\n')
    expect(heads[0]!.headers['constructor']).toBe('a')
  })

  it.each([
    ['another protocol', '220 mail.example.com ESMTP\r\n'],
    ['another protocol, as far as it has come', 'SSH'],
    ['HTTP/2', 'HTTP/2 200\r\n\r\n'],
    ['a change of the protocol', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['a header without a name', 'HTTP/1.1 200 OK\r\n: a\r\n\r\n'],
    ['a name with a space', 'HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n'],
    ['a folded line', 'HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n'],
    ['a bare line feed in a header', 'HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n'],
    ['a bare line feed in the status line', 'HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\n'],
    ['a bare carriage return', 'HTTP/1.1 200 OK\r\na: b\rc: d\r\n\r\n'],
    ['a bare line feed in a chunk line', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a\nb\r\nx\r\n'],
    ['a bare line feed in a trailer', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na: b\nc: d\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['another transfer coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n'],
    ['a chunk that is longer than its size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n'],
    ['a head without an end', `HTTP/1.1 200 OK\r\na: ${'x'.repeat(65_536)}`],
    ['a chunk line without an end', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(2_000)}`],
  ])('refuses %s', (_, response) => {
    expect(() => parse(response)).toThrow(expect.objectContaining({ code: 'HTTP_SYNTAX' }))
  })
})
