import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface S3Refusal {
  readonly status: number
  /** Such as SlowDown. */
  readonly code: string
  readonly retryAfter?: string | undefined
}

/** An S3 that refuses every request in the same way, as MinIO cannot be made to. Whoever starts it closes it. */
export async function startRefusingS3({ status, code, retryAfter }: S3Refusal): Promise<{ port: number; close: () => void }> {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      response.writeHead(status, { 'content-type': 'application/xml', ...(retryAfter !== undefined && { 'retry-after': retryAfter }) })
      response.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>a fault</Message></Error>`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
