import type { IncomingMessage, ServerResponse } from 'node:http'
import type { CallRecord } from '../bill/call.record.js'
import type { Credential } from '../oauth/token.store.js'
import type { Simulation } from '../simulation.js'
import { EVENT_STREAM_TYPE, type WholeReply } from './reply.js'

const NO_BODY = Buffer.alloc(0)

/**
 * One request and its response. It owns what must be undone when either ends: the stream that the call holds, its pending timer and
 * its open line on the bill. All three are settled by the response's 'close' event, which Node emits exactly once, after the last byte
 * or when the client disconnects.
 */
export class Exchange {
  body: Buffer = NO_BODY
  credential: Credential | undefined
  #holdsStream = false
  #timer: NodeJS.Timeout | undefined
  #sessionId = ''
  #requestId = ''

  constructor(
    readonly simulation: Simulation,
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly record: CallRecord,
    /** The query of the URL, without `?`. */
    readonly query: string,
  ) {
    const attemptId = request.headers['x-request-id']
    if (typeof attemptId === 'string') record.attemptId = attemptId
    response.on('close', () => this.#settle())
  }

  get closed(): boolean {
    return this.response.destroyed
  }

  get sessionId(): string {
    if (this.#sessionId === '') this.#sessionId = headerOf(this.request, 'x-session-id') ?? this.simulation.nextId()
    return this.#sessionId
  }

  enterStream(): boolean {
    if (this.credential?.gate.enter() !== true) return false
    this.#holdsStream = true
    this.simulation.openStreams.add(this.record)
    return true
  }

  leaveStream(): void {
    if (!this.#holdsStream) return
    this.#holdsStream = false
    this.credential?.gate.leave()
    this.simulation.forgetStream(this.record)
  }

  /** Runs `action` later unless the client has gone by then. At 0 ms it runs at once: most calls have no latency. */
  after(delayMs: number, action: () => void): void {
    if (delayMs <= 0) action()
    else this.#timer = setTimeout(action, delayMs)
  }

  /** Sends a whole response in one write. Its meaning for the bill must be set before. */
  send(reply: WholeReply): void {
    const { body } = reply
    this.record.status = reply.status
    this.leaveStream()
    const length = Buffer.byteLength(body)
    const headers = this.headers(reply.contentType, length)
    if (reply.headers !== undefined) headers.push(...reply.headers)
    this.response.writeHead(reply.status, headers)
    // A text as long as its bytes is ASCII, which Node writes faster (and in one piece with the headers) as latin1.
    if (typeof body === 'string') this.response.end(body, length === body.length ? 'latin1' : 'utf8')
    else this.response.end(body)
  }

  /** The response then carries an id that is not the request's. */
  overrideRequestId(id: string): void {
    this.#requestId = id
  }

  start(status: number, headers: string[]): void {
    this.record.status = status
    this.response.writeHead(status, headers)
  }

  /** Breaks the connection with a TCP reset (a plain close under TLS, which has no reset of its own). */
  reset(): void {
    this.record.outcome = 'broken'
    const { socket } = this.request
    if ('encrypted' in socket) socket.destroy()
    else socket.resetAndDestroy()
  }

  /** Flat name and value pairs: the cheapest form for Node. `Connection` and `Keep-Alive: timeout=15` are added by Node. */
  headers(contentType: string, length?: number): string[] {
    const headers = [
      'Content-Type',
      contentType,
      'x-request-id',
      this.#requestId || this.record.attemptId || this.simulation.nextId(),
      'x-session-id',
      this.sessionId,
      'Server',
      'SynGX',
    ]
    if (length !== undefined) headers.push('Content-Length', String(length))
    if (contentType === EVENT_STREAM_TYPE) headers.push('Cache-Control', 'no-cache')
    return headers
  }

  #settle(): void {
    clearTimeout(this.#timer)
    this.leaveStream()
    const { record } = this
    if (!this.response.writableFinished && record.outcome !== 'broken') record.outcome = 'client_gone'
    this.simulation.bill.settle(record)
  }
}

export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
