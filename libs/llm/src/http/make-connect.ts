import net, { type Socket } from 'node:net'
import tls from 'node:tls'
import type { Connect } from './http.connection.js'
import { secureContextOf, type TlsFiles } from './tls.js'

export interface ConnectOptions {
  /** Scheme, host and port. */
  readonly origin: string
  /** For the address, the connection and the TLS handshake together. */
  readonly timeoutMs: number
  readonly tls: TlsFiles
}

const KEEP_ALIVE_DELAY_MS = 60_000
const HTTP_PORT = 80
const HTTPS_PORT = 443

/** Opens sockets to one server. All of them share its TLS sessions: a resumed one saves most of the handshake's CPU time on both sides. */
export function makeConnect({ origin, timeoutMs, tls: files }: ConnectOptions): Connect {
  const { protocol, hostname, port } = new URL(origin)
  // An IPv6 address stands in brackets in a URL only.
  const host = hostname.replaceAll(/[[\]]/g, '')
  const target = { host, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS }
  if (protocol !== 'https:') {
    return (callback) => settle(net.connect({ ...target, port: Number(port || HTTP_PORT) }), { event: 'connect', timeoutMs, callback })
  }
  const options = {
    ...target,
    port: Number(port || HTTPS_PORT),
    secureContext: secureContextOf(files),
    rejectUnauthorized: files.verify,
    ALPNProtocols: ['http/1.1'],
    // RFC 6066 allows no addresses here.
    ...(net.isIP(host) === 0 && { servername: host }),
  }
  let session: Buffer | undefined
  return (callback) => {
    const socket = tls.connect({ ...options, ...(session && { session }) })
    socket.on('session', (latest) => (session = latest))
    settle(socket, { event: 'secureConnect', timeoutMs, callback })
  }
}

interface Settling {
  readonly event: 'connect' | 'secureConnect'
  readonly timeoutMs: number
  readonly callback: Parameters<Connect>[0]
}

/** Calls back once: with the connected socket, or with why there is none. */
function settle(socket: Socket, { event, timeoutMs, callback }: Settling): void {
  const end = (error: Error | null) => {
    clearTimeout(timer)
    socket.off(event, succeed).off('error', end).off('close', lose)
    // What still fails behind our back must not end the process.
    if (error) socket.on('error', () => undefined)
    callback(error, error ? null : socket)
  }
  const succeed = () => end(null)
  const lose = () => end(makeError('CLOSED', 'the connection was closed before it stood'))
  const timer = setTimeout(() => socket.destroy(makeError('CONNECT_TIMEOUT', `no connection within ${timeoutMs} ms`)), timeoutMs)
  socket.on(event, succeed).on('error', end).on('close', lose)
}

function makeError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
