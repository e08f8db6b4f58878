import { connect } from 'node:net'

export interface RawResult {
  readonly chunks: readonly Buffer[]
  readonly text: string
  /** `ECONNRESET` and the like; undefined where the server closed in order. */
  readonly errorCode: string | undefined
}

/** Sends one POST over a bare socket and keeps each arriving chunk apart, which no HTTP client shows. Ends when the server closes. */
export async function postRaw(url: string, path: string, token: string, body: string): Promise<RawResult> {
  const { port, hostname } = new URL(url)
  const chunks: Buffer[] = []
  return new Promise((resolve) => {
    let errorCode: string | undefined
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      )
    })
    socket.setNoDelay(true)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      errorCode = error.code
    })
    socket.on('close', () => resolve({ chunks, text: Buffer.concat(chunks).toString('utf8'), errorCode }))
  })
}
