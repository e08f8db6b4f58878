import type { Socket } from 'node:net'
import { buildConnector } from 'undici'
import { AbortWatch } from './abort.watch.js'
import { ConnectionPool } from './connection.pool.js'
import { HttpConnection, type Connect } from './http.connection.js'
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

/** The connections to one server. Owned by a client, which must close it. */
export class HttpEndpoint {
  private readonly context: ExchangeContext

  constructor(options: HttpEndpointOptions, watch: DeadlineWatch) {
    if (!options.tls.verify) warnUnverified(options.endpoint)
    const { host } = new URL(options.origin)
    const connect = makeConnect(options)
    const pool = new ConnectionPool(options.maxConnections, () => new HttpConnection(host, connect))
    this.context = { pool, watch, aborts: new AbortWatch(), limits: options.limits, endpoint: options.endpoint }
  }

  /** Sends once. Never throws. */
  exchange(request: HttpRequest, signal?: AbortSignal, observer?: ResponseObserver): Promise<ExchangeOutcome> {
    return new HttpExchange(request, this.context, signal, observer).run()
  }

  /** Ends the calls in flight. */
  async close(): Promise<void> {
    this.context.pool.destroy()
  }
}

function warnUnverified({ name, settingsPrefix }: Endpoint): void {
  process.emitWarning(`the certificate of ${name} is not verified (${settingsPrefix}_VERIFY_SSL_CERTS): anyone on the way can read the key`)
}

/** One connector for all connections: it holds the TLS sessions that they resume. HTTP/2 would put all calls on one socket. */
function makeConnect({ origin, connectTimeoutMs, tls }: HttpEndpointOptions): Connect {
  const { protocol, hostname, host, port } = new URL(origin)
  const connect = buildConnector({
    allowH2: false,
    timeout: connectTimeoutMs,
    ...(protocol === 'https:' && { secureContext: secureContextOf(tls), rejectUnauthorized: tls.verify }),
  })
  // An IPv6 address stands in brackets in a URL only.
  const target = { protocol, hostname: hostname.replaceAll(/[[\]]/g, ''), host, port }
  return (callback) => connect(target, (error: Error | null, socket: Socket | null) => callback(error, socket))
}
