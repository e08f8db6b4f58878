import zlib from 'node:zlib'
import type { HttpResponse } from './exchange.js'

const DECODERS: Readonly<Record<string, (body: Buffer, options: { maxOutputLength: number }) => Buffer>> = {
  gzip: zlib.gunzipSync,
  'x-gzip': zlib.gunzipSync,
  deflate: zlib.inflateSync,
  br: zlib.brotliDecompressSync,
}

/** too_large: decoding was stopped at the cap. undecodable: not what `content-encoding` says. */
export type DecodedBody = Buffer | 'too_large' | 'undecodable'

/**
 * We ask for no compression (answers are small, and CPU is what we are short of), so this is for servers that compress all the same:
 * the body is stored as it came and decoded whenever it is read. Synchronous, because parsing is; the cap bounds it.
 */
export function decodeBody({ body, headers }: Pick<HttpResponse, 'body' | 'headers'>, maxBytes: number): DecodedBody {
  const encoding = headers['content-encoding']?.trim().toLowerCase()
  if (encoding === undefined || encoding === '' || encoding === 'identity') return body
  const decode = DECODERS[encoding]
  if (!decode) return 'undecodable'
  try {
    return decode(body, { maxOutputLength: maxBytes })
  } catch (error) {
    return error instanceof RangeError ? 'too_large' : 'undecodable'
  }
}
