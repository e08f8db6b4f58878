import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

type Answer = (response: ServerResponse, request: SeenRequest) => void

/** An S3 whose answers the test writes: one for each request, the last one again and again. */
export class FakeS3Server {
  readonly requests: SeenRequest[] = []
  readonly sockets = new Set<Socket>()
  private readonly answers: Answer[] = []

  private constructor(private readonly server: Server) {}

  static async start(): Promise<FakeS3Server> {
    const server = createServer()
    const fake = new FakeS3Server(server)
    server.on('connection', (socket) => {
      fake.sockets.add(socket)
      socket.once('close', () => fake.sockets.delete(socket))
    })
    server.on('request', (request, response) => void fake.handle(request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return fake
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  answer(...answers: Answer[]): void {
    this.answers.push(...answers)
  }

  /** Resolves when no connection is open any more. */
  async whenAllClosed(): Promise<void> {
    await Promise.all([...this.sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))))
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close')
    this.server.close()
    for (const socket of this.sockets) socket.destroy()
    await closed
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const seen = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) }
    this.requests.push(seen)
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0]
    if (answer === undefined) throw new Error(`no answer for ${seen.method} ${seen.path}`)
    answer(response, seen)
  }
}

export const ok =
  (body: string | Buffer = '', headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(200, { 'content-length': String(Buffer.byteLength(body)), ...headers })
    response.end(body)
  }

export const s3Error =
  (status: number, code: string, headers: Record<string, string> = {}): Answer =>
  (response, { method }) => {
    response.writeHead(status, { 'content-type': 'application/xml', ...headers })
    response.end(method === 'HEAD' ? undefined : `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>as scripted</Message></Error>`)
  }

/** Accepts the request and never answers. */
export const silence: Answer = () => undefined

/** Begins a body and never ends it. */
export const stall =
  (begin: string, announced: number): Answer =>
  (response) => {
    response.writeHead(200, { 'content-length': String(announced) })
    response.write(begin)
  }

/** Ends the connection in the middle of a body. */
export const cut =
  (begin: string, announced: number): Answer =>
  (response) => {
    response.writeHead(200, { 'content-length': String(announced) })
    response.write(begin, () => response.socket?.destroy())
  }

/** Takes the whole request and ends the connection without an answer. */
export const hangUp: Answer = (response) => void response.socket?.destroy()
