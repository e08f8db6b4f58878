import type { IncomingMessage } from 'node:http'
import { TaskError } from '#libs/kernel'

export interface ObjectBody {
  readonly bytes: Buffer
  /** As the server gave it; undefined where it gave none. */
  readonly contentType: string | undefined
  /** The entity tag where it can be the MD5 of the contents: not of several parts, not encrypted. */
  readonly md5: string | undefined
}

const MD5 = /^"?([0-9a-f]{32})"?$/i

/**
 * Reads a whole object, never more than `maxSizeBytes` of it: throws `file_too_large` by what the server announces and again by what it
 * sends, and destroys the connection then. A body that is shorter than announced is `storage_unavailable`.
 */
export async function readBody(response: IncomingMessage, maxSizeBytes: number): Promise<ObjectBody> {
  const announced = lengthOf(response)
  const chunks: Buffer[] = []
  let sizeBytes = 0
  try {
    if (announced !== undefined) checkSize(announced, maxSizeBytes)
    for await (const chunk of response as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length
      checkSize(sizeBytes, maxSizeBytes)
      chunks.push(chunk)
    }
  } finally {
    if (!response.complete) response.destroy()
  }
  if (announced !== undefined && sizeBytes !== announced) throw cutShort(sizeBytes, announced)
  return {
    bytes: Buffer.concat(chunks, sizeBytes),
    contentType: response.headers['content-type'],
    md5: md5Of(response),
  }
}

function lengthOf({ headers }: IncomingMessage): number | undefined {
  const length = headers['content-length']
  return length === undefined ? undefined : Number(length)
}

function md5Of({ headers }: IncomingMessage): string | undefined {
  if (headers['x-amz-server-side-encryption'] !== undefined) return undefined
  return MD5.exec(headers.etag ?? '')?.[1]?.toLowerCase()
}

/** Throws TaskError `file_too_large`. */
export function checkSize(sizeBytes: number, maxSizeBytes: number): void {
  if (sizeBytes > maxSizeBytes) {
    throw TaskError.invalid('file_too_large', `a file is larger than ${maxSizeBytes} bytes`, {
      size_bytes: sizeBytes,
      max_size_bytes: maxSizeBytes,
    })
  }
}

function cutShort(sizeBytes: number, announced: number): TaskError {
  return TaskError.unavailable('storage_unavailable', `an object came incomplete: ${sizeBytes} of ${announced} bytes`)
}
