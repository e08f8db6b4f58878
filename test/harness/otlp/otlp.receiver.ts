import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { waitUntil } from '#tools/rig'
import { readSpans } from './read-spans.js'
import type { ReceivedSpan } from './received-span.js'

/** A trace store as far as OTLP over HTTP goes: takes spans in protobuf, as a collector does, and keeps them. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = []
  /** Of bodies that were not what they should be. */
  readonly problems: unknown[] = []
  /** What came, as it came. */
  readonly bodies: Buffer[] = []

  private constructor(private readonly server: Server) {}

  static async start(): Promise<OtlpReceiver> {
    const server = createServer()
    const receiver = new OtlpReceiver(server)
    server.on('request', (request: IncomingMessage, response) => {
      void receiver.take(request).then((status) => response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return receiver
  }

  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** The spans of one trace, by when they started. */
  trace(traceId: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId).toSorted((a, b) => a.startMs - b.startMs)
  }

  waitFor(condition: () => boolean, what: string): Promise<true> {
    return waitUntil(() => Promise.resolve(condition() || undefined), { what })
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }

  private async take(request: IncomingMessage): Promise<number> {
    const body = await buffer(request)
    try {
      if (request.url !== '/v1/traces' || request.headers['content-type'] !== 'application/x-protobuf') {
        throw new Error(`${request.method} ${request.url} of ${request.headers['content-type']}`)
      }
      const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
      this.bodies.push(plain)
      this.spans.push(...readSpans(plain))
      return 200
    } catch (error) {
      this.problems.push(error)
      return 400
    }
  }
}
