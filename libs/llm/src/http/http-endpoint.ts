import { buildConnector, Client } from 'undici'
import { ConnectionPool } from './connection.pool.js'
import type { DeadlineWatch } from './deadline.watch.js'
import type { Endpoint, ExchangeLimits, ExchangeOutcome, HttpRequest, ResponseObserver } from './exchange.js'
import { HttpExchange, type ExchangeContext } from './http-exchange.js'
import { secureContextOf, type TlsFiles } from './tls.js'

export interface HttpEndpointOptions {
  /** Scheme, host and port. */
  readonly origin: string
  readonly endpoint: Endpoint
  readonly maxConnections: number
  readonly connectTimeoutMs: number
  readonly limits: ExchangeLimits
  readonly tls: TlsFiles
}

/**
 * A connection that the server may close at any moment must not be written to: GigaChat announces 15 s (`Keep-Alive: timeout=15`),
 * uvicorn closes after 5 s without a word.
 */
const KEEP_ALIVE_MS = 4_000
const KEEP_ALIVE_ANNOUNCED_MAX_MS = 10_000

/** The connections to one server. Owned by a client, which must close it. */
export class HttpEndpoint {
  private readonly context: ExchangeContext

  constructor(options: HttpEndpointOptions, watch: DeadlineWatch) {
    if (!options.tls.verify) warnUnverified(options.endpoint)
    // One connector for all connections: it holds the TLS sessions that they resume.
    const connect = buildConnector({
      allowH2: false,
      timeout: options.connectTimeoutMs,
      ...(options.origin.startsWith('https:') && {
        secureContext: secureContextOf(options.tls),
        rejectUnauthorized: options.tls.verify,
      }),
    })
    const pool = new ConnectionPool(options.maxConnections, () => createConnection(options.origin, connect))
    this.context = { pool, watch, limits: options.limits, endpoint: options.endpoint }
  }

  /** Sends once. Never throws. */
  exchange(request: HttpRequest, signal?: AbortSignal, observer?: ResponseObserver): Promise<ExchangeOutcome> {
    return new HttpExchange(request, this.context, signal, observer).run()
  }

  /** Ends the calls in flight. */
  close(): Promise<void> {
    return this.context.pool.destroy()
  }
}

function warnUnverified({ name, settingsPrefix }: Endpoint): void {
  process.emitWarning(`the certificate of ${name} is not verified (${settingsPrefix}_VERIFY_SSL_CERTS): anyone on the way can read the key`)
}

function createConnection(origin: string, connect: buildConnector.connector): Client {
  return new Client(origin, {
    connect,
    pipelining: 1,
    // HTTP/2 would put all streams on one socket, and an abort would no longer close it.
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_ANNOUNCED_MAX_MS,
    // The exchange watches the time of its call by itself.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
}
