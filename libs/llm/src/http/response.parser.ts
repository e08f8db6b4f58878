/** What a response brings, in this order: any number of heads below 200, a head, pieces of its body, its end. */
export interface ResponseSink {
  head(status: number, headers: Record<string, string>): void
  data(chunk: Buffer): void
  /** reusable: the connection may carry another request. */
  end(reusable: boolean): void
}

/** The bytes are not an HTTP/1.1 response. */
export class ResponseSyntaxError extends Error {
  readonly code = 'HTTP_SYNTAX'
}

type Mode =
  | { readonly kind: 'head' }
  | { readonly kind: 'length'; left: number }
  | { readonly kind: 'chunk_size' }
  | { readonly kind: 'chunk'; left: number }
  | { readonly kind: 'chunk_end' }
  | { readonly kind: 'trailer' }
  | { readonly kind: 'until_close' }

const MAX_HEAD_BYTES = 64 * 1_024
const MAX_CHUNK_LINE_BYTES = 1_024
const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: |$)/
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const CHUNK_SIZE = /^([0-9a-fA-F]{1,8})[\t ]*(?:;|$)/
const BARE_END = /(?<!\r)\n|\r(?!\n)/
const DIGITS = /^\d{1,15}$/
const CR_LF_CR_LF = '\r\n\r\n'
const NO_BODY = new Set([204, 304])
const NOTHING = Buffer.alloc(0)
const HEAD: Mode = { kind: 'head' }

/**
 * Reads the responses of one connection, one after another (RFC 9112). It is strict where leniency could let one response be taken for
 * another: both `content-length` and `transfer-encoding`, lengths that differ, folded header lines and bare line feeds are refused.
 *
 * head -> length | chunk_size | until_close | (no body) head
 * chunk_size -> chunk -> chunk_end -> chunk_size ... -> trailer -> head
 */
export class ResponseParser {
  private mode: Mode = HEAD
  /** The beginning of a line or of a head whose rest has not come yet. */
  private rest: Buffer | undefined
  private keepAlive = true
  private ended = false

  constructor(private readonly sink: ResponseSink) {}

  /** Throws ResponseSyntaxError; then nothing more can be read from this connection. */
  push(chunk: Buffer): void {
    let bytes = this.rest ? Buffer.concat([this.rest, chunk]) : chunk
    this.rest = undefined
    while (bytes.length > 0) {
      const used = this.step(bytes)
      if (this.ended) {
        this.ended = false
        // What comes behind its end belongs to no request of ours.
        this.sink.end(this.keepAlive && used === bytes.length)
        return
      }
      if (used < 0) this.rest = bytes
      bytes = used < 0 || used === bytes.length ? NOTHING : bytes.subarray(used)
    }
  }

  /** The connection has ended: true where that ends the response. */
  close(): boolean {
    if (this.mode.kind !== 'until_close') return false
    this.sink.end(false)
    return true
  }

  /** How many bytes were read; -1: more are needed. */
  private step(bytes: Buffer): number {
    const { mode } = this
    switch (mode.kind) {
      case 'head':
        return this.readHead(bytes)
      case 'length':
      case 'chunk':
        return this.readBody(bytes, mode)
      case 'chunk_size':
        return this.readLine(bytes, MAX_CHUNK_LINE_BYTES, (line) => this.beginChunk(line))
      case 'chunk_end':
        return this.readLine(bytes, 2, () => (this.mode = { kind: 'chunk_size' }))
      case 'trailer':
        return this.readLine(bytes, MAX_HEAD_BYTES, (line) => line === '' && this.finish())
      case 'until_close':
        this.sink.data(bytes)
        return bytes.length
    }
  }

  private readHead(bytes: Buffer): number {
    const end = bytes.indexOf(CR_LF_CR_LF)
    if (end < 0 ? bytes.length > MAX_HEAD_BYTES : end > MAX_HEAD_BYTES) throw new ResponseSyntaxError('the head is too large')
    if (end < 0) return refuseEarly(bytes)
    this.beginBody(refuseBareEnds(bytes.toString('latin1', 0, end)).split('\r\n'))
    return end + CR_LF_CR_LF.length
  }

  private beginBody([statusLine, ...lines]: string[]): void {
    const [, minor, code] = STATUS_LINE.exec(statusLine!) ?? []
    if (code === undefined) throw new ResponseSyntaxError('this is not HTTP/1.1')
    const headers = parseHeaders(lines)
    const status = Number(code)
    // 101 would make the connection another protocol's; we never ask for it.
    if (status === 101) throw new ResponseSyntaxError('the server changed the protocol')
    if (status >= 200) this.keepAlive = keepsAlive(minor!, headers['connection'])
    this.sink.head(status, headers)
    if (status < 200) return
    this.mode = bodyMode(status, headers)
    if (this.mode.kind === 'length' && this.mode.left === 0) this.finish()
  }

  private readBody(bytes: Buffer, mode: { readonly kind: 'length' | 'chunk'; left: number }): number {
    const used = Math.min(mode.left, bytes.length)
    mode.left -= used
    this.sink.data(used === bytes.length ? bytes : bytes.subarray(0, used))
    if (mode.left > 0) return used
    if (mode.kind === 'length') this.finish()
    else this.mode = { kind: 'chunk_end' }
    return used
  }

  private beginChunk(line: string): void {
    const [, size] = CHUNK_SIZE.exec(line) ?? []
    if (size === undefined) throw new ResponseSyntaxError('a chunk has no size')
    const left = Number.parseInt(size, 16)
    this.mode = left === 0 ? { kind: 'trailer' } : { kind: 'chunk', left }
  }

  private readLine(bytes: Buffer, maxBytes: number, take: (line: string) => void): number {
    const end = bytes.indexOf('\r\n')
    if (end < 0 ? bytes.length > maxBytes : end > maxBytes) throw new ResponseSyntaxError('a line is too long')
    if (end < 0) return -1
    if (this.mode.kind === 'chunk_end' && end > 0) throw new ResponseSyntaxError('a chunk is longer than its size')
    take(refuseBareEnds(bytes.toString('latin1', 0, end)))
    return end + 2
  }

  private finish(): void {
    this.mode = HEAD
    this.ended = true
  }
}

/** What does not even begin like HTTP need not be waited for. */
function refuseEarly(bytes: Buffer): -1 {
  const begin = bytes.toString('latin1', 0, 7)
  if (!'HTTP/1.'.startsWith(begin)) throw new ResponseSyntaxError('this is not HTTP/1.1')
  return -1
}

/** Others on the way may have taken them for line ends, and us for somebody who does not. */
function refuseBareEnds(text: string): string {
  if (BARE_END.test(text)) throw new ResponseSyntaxError('a line ends without CR LF')
  return text
}

function parseHeaders(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    if (colon < 1 || !HEADER_NAME.test(name)) throw new ResponseSyntaxError('a header has no name')
    const key = name.toLowerCase()
    const value = line.slice(colon + 1).trim()
    headers[key] = Object.hasOwn(headers, key) ? `${headers[key]}, ${value}` : value
  }
  return headers
}

function keepsAlive(minor: string, connection: string | undefined): boolean {
  const options = connection?.toLowerCase() ?? ''
  return minor === '1' ? !options.includes('close') : options.includes('keep-alive')
}

function bodyMode(status: number, headers: Readonly<Record<string, string>>): Mode {
  const coding = headers['transfer-encoding']
  const length = headers['content-length']
  if (NO_BODY.has(status)) return { kind: 'length', left: 0 }
  if (coding !== undefined) {
    if (length !== undefined || coding.toLowerCase() !== 'chunked') throw new ResponseSyntaxError(`the transfer-encoding is not chunked`)
    return { kind: 'chunk_size' }
  }
  if (length === undefined) return { kind: 'until_close' }
  // The same length twice, joined by a comma, is one that somebody on the way has repeated (RFC 9110, 8.6).
  const [first, ...others] = length.split(',').map((part) => part.trim())
  if (!DIGITS.test(first!) || others.some((other) => other !== first)) throw new ResponseSyntaxError('the content-length is no number')
  return { kind: 'length', left: Number(first) }
}
