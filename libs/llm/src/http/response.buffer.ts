import type { HttpResponse } from './exchange.js'

const NOTHING = Buffer.alloc(0)

/** What has come of a response, up to a cap. */
export class ResponseBuffer {
  private status = 0
  private readonly chunks: Buffer[] = []
  headers: Readonly<Record<string, string>> = {}
  /** As announced or as received, whichever is larger. */
  sizeBytes = 0

  constructor(private readonly maxBytes: number) {}

  get tooLarge(): boolean {
    return this.sizeBytes > this.maxBytes
  }

  start(status: number, headers: Readonly<Record<string, string>>): void {
    this.status = status
    this.headers = headers
    const announced = Number(this.headers['content-length'])
    if (announced > this.maxBytes) this.sizeBytes = announced
  }

  add(chunk: Buffer): void {
    this.sizeBytes += chunk.length
    if (!this.tooLarge) this.chunks.push(chunk)
  }

  /** Both in milliseconds from the start of the exchange; undefined: no body has come. */
  response(durationMs: number, firstByteMs: number | undefined): HttpResponse {
    const { status, headers } = this
    return {
      status,
      headers,
      body: this.body(),
      durationMs: Math.round(durationMs),
      ...(firstByteMs !== undefined && { firstByteMs: Math.round(firstByteMs) }),
    }
  }

  private body(): Buffer {
    // One piece is the usual case, and is not copied.
    return this.chunks.length > 1 ? Buffer.concat(this.chunks) : (this.chunks[0] ?? NOTHING)
  }
}
