import type { IncomingMessage } from 'node:http'
import { parseRetryAfter } from './retry-after.js'

const MAX_BODY_BYTES = 16 * 1024
const MAX_TEXT = 300
/** S3 refuses a request whose time is further away from its own. */
const MAX_SKEW_MS = 15 * 60_000

interface S3ResponseErrorOptions {
  readonly status: number
  readonly code: string
  readonly retryAfterMs?: number | undefined
  readonly requestId?: string | undefined
}

/** A complete error response of the server. */
export class S3ResponseError extends Error {
  override readonly name = 'S3ResponseError'
  readonly status: number
  /** As S3 names it: `NoSuchKey`, `SlowDown`, ... `NotFound`, or `HTTP` and the status, where the server gave none. */
  readonly code: string
  readonly retryAfterMs: number | undefined
  readonly requestId: string | undefined

  constructor(message: string, { status, code, retryAfterMs, requestId }: S3ResponseErrorOptions) {
    super(message)
    this.status = status
    this.code = code
    this.retryAfterMs = retryAfterMs
    this.requestId = requestId
  }
}

/** Reads the rest of the response, so that its socket can be used again. The body of a HEAD is empty; MinIO then names the error in a header. */
export async function readResponseError(response: IncomingMessage): Promise<S3ResponseError> {
  const body = await readBounded(response)
  const status = response.statusCode ?? 0
  const code = elementOf(body, 'Code') ?? headerOf(response, 'x-minio-error-code') ?? defaultCode(status, response, body)
  const message = elementOf(body, 'Message') ?? headerOf(response, 'x-minio-error-desc') ?? response.statusMessage ?? ''
  return new S3ResponseError(`${status} ${code}: ${message}`, {
    status,
    code,
    retryAfterMs: parseRetryAfter(headerOf(response, 'retry-after')),
    requestId: headerOf(response, 'x-amz-request-id'),
  })
}

/**
 * `NotFound` is what minio itself calls a 404 without a body, and looks for; one with a body that is no error document is a proxy's. A 403 to a HEAD may be about rights or about the clocks; the
 * server's own time tells.
 */
function defaultCode(status: number, response: IncomingMessage, body: string): string {
  if (status === 404 && body === '') return 'NotFound'
  const skewMs = Math.abs(Date.now() - Date.parse(headerOf(response, 'date') ?? ''))
  return status === 403 && skewMs > MAX_SKEW_MS ? 'RequestTimeTooSkewed' : `HTTP${status}`
}

async function readBounded(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_BODY_BYTES) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Error documents are flat and small: <Error><Code>..</Code><Message>..</Message>..</Error> */
function elementOf(document: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]{1,${MAX_TEXT}})`).exec(document)?.[1]
}

function headerOf(response: IncomingMessage, name: string): string | undefined {
  const value = response.headers[name]
  return (Array.isArray(value) ? value[0] : value)?.slice(0, MAX_TEXT)
}
