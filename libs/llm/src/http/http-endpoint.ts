import { AbortWatch } from './abort.watch.js'
import { ConnectionPool } from './connection.pool.js'
import { HttpConnection } from './http.connection.js'
import { makeConnect } from './make-connect.js'
import type { DeadlineWatch } from './deadline.watch.js'
import type { Endpoint, ExchangeLimits, ExchangeOutcome, HttpRequest, ResponseObserver } from './exchange.js'
import { HttpExchange, type ExchangeContext } from './http-exchange.js'
import type { TlsFiles } from './tls.js'

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
    const { origin, connectTimeoutMs: timeoutMs, tls } = options
    const connect = makeConnect({ origin, timeoutMs, tls })
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
