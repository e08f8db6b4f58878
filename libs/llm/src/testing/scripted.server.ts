import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'

export interface ReceivedRequest {
  readonly head: string
  readonly body: string
}

/** Plays one request's part: writes what it likes to the socket, byte by byte. */
export type Script = (socket: Socket, request: ReceivedRequest, number: number) => void

/**
 * A TCP server that reads whole requests and then does exactly what its script says: half answers, resets, silence. It counts what
 * reached it, which is the other half of every claim about what was sent.
 */
export class ScriptedServer {
  readonly requests: ReceivedRequest[] = []
  readonly sockets = new Set<Socket>()
  connections = 0
  closedByClient = 0
  private waiters: (() => void)[] = []
  private server!: Server

  /** `cleanUp` is the test runner's: this file is not a test, and imports none. */
  static async start(script: Script, cleanUp: (stop: () => Promise<void>) => void): Promise<ScriptedServer> {
    const scripted = new ScriptedServer()
    scripted.server = createServer((socket) => scripted.serve(socket, script))
    scripted.server.listen(0, '127.0.0.1')
    await once(scripted.server, 'listening')
    cleanUp(() => scripted.stop())
    return scripted
  }

  get url(): string {
    const address = this.server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  }

  /** Resolves when the condition holds; it is looked at after each event of the server. */
  async until(condition: (server: this) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.waiters.push(resolve))
  }

  private changed(): void {
    for (const resolve of this.waiters.splice(0)) resolve()
  }

  private serve(socket: Socket, script: Script): void {
    this.connections++
    this.sockets.add(socket)
    let received = ''
    socket.on('error', () => undefined)
    socket.on('end', () => {
      this.closedByClient++
      this.changed()
    })
    socket.on('close', () => {
      this.sockets.delete(socket)
      this.changed()
    })
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      const end = received.indexOf('\r\n\r\n')
      if (end === -1) return
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0)
      if (received.length < end + 4 + length) return
      const request = {
        head: received.slice(0, end),
        body: Buffer.from(received.slice(end + 4, end + 4 + length), 'latin1').toString('utf8'),
      }
      received = received.slice(end + 4 + length)
      this.requests.push(request)
      script(socket, request, this.requests.length)
      this.changed()
    })
    this.changed()
  }

  private async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
    await once(this.server, 'close')
  }
}

/** A whole HTTP response. */
export function httpResponse(status: number, body: string | Buffer, headers: Record<string, string> = {}): Buffer {
  const bytes = Buffer.from(body)
  const lines = Object.entries({ 'content-type': 'application/json; charset=utf-8', 'content-length': String(bytes.length), ...headers })
  const head = `HTTP/1.1 ${status} X\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes])
}

/** The head of a chunked event stream. */
export const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
export const STREAM_END = '0\r\n\r\n'

export function chunked(bytes: string | Buffer): Buffer {
  const body = Buffer.from(bytes)
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')])
}
