import type { Socket } from 'node:net'
import { TaskError } from '#libs/kernel'
import type { HttpRequest } from './exchange.js'
import { ResponseParser } from './response.parser.js'

/** Follows one request. Ends with `ended` or `failed`, once. */
export interface RequestHandler {
  /** The connection stands, and the request is written right after this. false: it is not, and the connection is destroyed. */
  writing(): boolean
  head(status: number, headers: Record<string, string>): void
  data(chunk: Buffer): void
  ended(): void
  /** Nothing was written where `writing` was not called before. first: no response has come on this socket before. */
  failed(error: Error, on: { readonly first: boolean }): void
}

/** Opens a socket, TLS included; calls back once. */
export type Connect = (callback: (error: Error | null, socket: Socket | null) => void) => void

/**
 * A server closes a connection that is idle at a time of its own, and must not be written to while it does: GigaChat announces 15 s
 * (`Keep-Alive: timeout=15`), uvicorn closes after 5 s without a word.
 */
const IDLE_MS = 4_000
const ANNOUNCED_IDLE_MAX_MS = 10_000
/** For so long no server closes a connection for being idle. */
const FRESH_MS = 100
/** The announced time is the server's; ours begins later and must end earlier. */
const IDLE_MARGIN_MS = 1_000
const ANNOUNCED_TIMEOUT = /\btimeout=(\d{1,6})/

/**
 * One HTTP/1.1 connection for one request at a time. It trades generality (pipelining, upgrades, HTTP/2, backpressure) for knowing exactly
 * what was written, and for less CPU time (docs/adr/0008).
 *
 * closed     -> connecting  a request; it waits for the socket
 * connecting -> busy        the socket stands: the request is written
 * busy       -> idle        its response has ended and the server keeps the connection
 * idle       -> checking    the next request: it is written behind the next poll of the sockets, so that a close that has come meanwhile is
 *                           seen first, and so are bytes that nobody has asked for: they end the connection, and are not taken for
 *                           the next request's response
 * checking   -> busy, or -> connecting when the socket turned out to be closed; nothing was written then
 * any        -> closed      an error, the server's close, `abort`, a response that is not HTTP
 *
 * A request that was written is never written again.
 */
export class HttpConnection {
  private mode: 'closed' | 'connecting' | 'idle' | 'checking' | 'busy' | 'destroyed' = 'closed'
  private socket: Socket | undefined
  /** false once a response has come on the socket: then its server has let us in. */
  private isFirst = true
  private parser: ResponseParser | undefined
  private request: HttpRequest | undefined
  private handler: RequestHandler | undefined
  /** On the monotonic clock. */
  private idleSinceMs = 0
  private announcedIdleMs = IDLE_MS
  /** The last long header that was found to be sendable. */
  private sendable: string | undefined
  private readonly writeChecked = () => {
    if (this.mode === 'checking') this.write()
  }

  constructor(
    private readonly host: string,
    private readonly connect: Connect,
  ) {}

  /** Only when no other request is under way. */
  send(request: HttpRequest, handler: RequestHandler): void {
    this.request = request
    this.handler = handler
    if (this.mode === 'destroyed') this.fail(makeClosedError())
    else if (this.mode !== 'idle') this.open()
    else if (performance.now() - this.idleSinceMs > this.announcedIdleMs) this.reopen()
    else this.check()
  }

  /** Ends the request under way, and closes its socket. */
  abort(reason: Error): void {
    this.close(reason)
  }

  /** For good. Ends the request under way. */
  destroy(): void {
    if (this.mode === 'destroyed') return
    this.close(makeClosedError())
    this.mode = 'destroyed'
  }

  /** An immediate comes behind the poll that is under way; only a second one comes behind a poll that begins now. */
  private check(): void {
    this.mode = 'checking'
    if (performance.now() - this.idleSinceMs < FRESH_MS) setImmediate(this.writeChecked)
    else setImmediate(setImmediate, this.writeChecked)
  }

  private open(): void {
    this.mode = 'connecting'
    this.connect((error, socket) => {
      if (this.mode !== 'connecting') {
        socket?.destroy()
        return
      }
      if (!socket) {
        this.close(error!)
        return
      }
      this.attach(socket)
      this.write()
    })
  }

  private reopen(): void {
    this.detach()
    this.open()
  }

  private attach(socket: Socket): void {
    this.socket = socket
    this.isFirst = true
    this.announcedIdleMs = IDLE_MS
    this.parser = new ResponseParser(this)
    socket.on('data', (chunk: Buffer) => this.socket === socket && this.receive(chunk))
    socket.on('end', () => this.socket === socket && this.receiveEnd())
    socket.on('error', (error) => this.socket === socket && this.lose(error))
    socket.on('close', () => this.socket === socket && this.lose(makeLostError('CLOSED')))
  }

  private write(): void {
    const { request, handler, socket } = this
    if (!request || !handler || !socket) return
    const head = this.makeHead(request)
    if (head instanceof Error) {
      this.close(head)
      return
    }
    this.mode = 'busy'
    if (!handler.writing()) {
      this.destroy()
      return
    }
    if (typeof request.body !== 'object') socket.write(head + (request.body ?? ''))
    else {
      socket.cork()
      socket.write(head)
      socket.write(request.body)
      socket.uncork()
    }
  }

  private makeHead({ method, path, headers, body }: HttpRequest): string | Error {
    if (!headers.every((part) => this.isSendable(part))) return TaskError.invalid('internal', 'a header of a request cannot be sent')
    let head = `${method} ${path} HTTP/1.1\r\nhost: ${this.host}\r\nconnection: keep-alive\r\n`
    for (let index = 0; index < headers.length; index += 2) head += `${headers[index]}: ${headers[index + 1]}\r\n`
    return body === undefined ? `${head}\r\n` : `${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n`
  }

  /** The access token is by far the longest header, and the same for half an hour. */
  private isSendable(part: string): boolean {
    if (part === this.sendable) return true
    if (UNSENDABLE.test(part)) return false
    if (part.length > LONG_HEADER) this.sendable = part
    return true
  }

  private receive(chunk: Buffer): void {
    if (this.mode !== 'busy') {
      this.lose(makeLostError('UNSOLICITED_DATA'))
      return
    }
    try {
      this.parser!.push(chunk)
    } catch (error) {
      this.close(error as Error)
    }
  }

  private receiveEnd(): void {
    if (this.mode === 'busy' && this.parser!.close()) return
    this.lose(makeLostError('CLOSED'))
  }

  /** Of the parser. */
  head(status: number, headers: Record<string, string>): void {
    this.announcedIdleMs = readIdleMs(headers['keep-alive'])
    this.handler?.head(status, headers)
  }

  /** Of the parser. */
  data(chunk: Buffer): void {
    this.handler?.data(chunk)
  }

  /** Of the parser. */
  end(reusable: boolean): void {
    const { handler } = this
    // An abort inside `head` or `data` has ended it already.
    if (!handler) return
    this.handler = undefined
    this.request = undefined
    this.isFirst = false
    if (reusable) {
      this.mode = 'idle'
      this.idleSinceMs = performance.now()
    } else {
      this.detach()
      this.mode = 'closed'
    }
    handler.ended()
  }

  /** The server or the network has ended the connection. */
  private lose(error: Error): void {
    if (this.mode === 'checking') this.reopen()
    else this.close(error)
  }

  private close(error: Error): void {
    this.detach()
    if (this.mode !== 'destroyed') this.mode = 'closed'
    this.fail(error)
  }

  private fail(error: Error): void {
    const { handler } = this
    this.handler = undefined
    this.request = undefined
    handler?.failed(error, { first: this.isFirst })
  }

  private detach(): void {
    const { socket } = this
    this.socket = undefined
    this.parser = undefined
    socket?.destroy()
  }
}

const LONG_HEADER = 128
/** Above all line ends: no value can begin a header of its own. */
const UNSENDABLE = /[^\t\x20-\x7e]/

function readIdleMs(keepAlive: string | undefined): number {
  const [, seconds] = (keepAlive && ANNOUNCED_TIMEOUT.exec(keepAlive)) || []
  if (seconds === undefined) return IDLE_MS
  return Math.min(ANNOUNCED_IDLE_MAX_MS, Math.max(0, Number(seconds) * 1_000 - IDLE_MARGIN_MS))
}

function makeLostError(code: string): Error {
  return Object.assign(new Error('the connection ended'), { code })
}

function makeClosedError(): TaskError {
  return new TaskError('shutdown', 'the client was closed', { retryable: true })
}
