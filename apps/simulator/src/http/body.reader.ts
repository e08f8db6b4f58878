import type { IncomingMessage } from 'node:http'

/**
 * Reads a whole body by events: an async iterator costs several promises a request. A body above the limit is read to its end and
 * thrown away, so that the client gets its 413 instead of a reset; `onBody` then receives null. A request that is cut off calls nobody.
 */
export function readBody(request: IncomingMessage, maxBytes: number, onBody: (body: Buffer | null) => void): void {
  let first: Buffer | undefined
  let rest: Buffer[] | undefined
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > maxBytes) rest = first = undefined
    else if (first === undefined) first = chunk
    else (rest ??= [first]).push(chunk)
  })
  request.on('end', () => {
    if (size > maxBytes) onBody(null)
    else onBody(rest === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(rest, size))
  })
}
