import pg from 'pg'

interface EvictingClientConfig extends pg.ClientConfig {
  /** Where to connect to by now, with which password, instead of `connectionString`. */
  readonly readUrl?: (() => string) | undefined
}

/**
 * A client that destroys its socket when a query times out on our side. A half-open connection answers nothing for ever: pg rejects the
 * query after `query_timeout` but keeps the socket, and TypeORM then takes the same dead connection from its pool again and again
 * (brianc/node-postgres#3399, #2973). With the socket gone the pool drops the client: one failed query, then a healthy connection.
 *
 * A connection that breaks is also told by an `error` event, which nobody listens to while a pool has lent the client, and which would end
 * the process. The queries reject in any case, so the event says nothing new.
 */
export class EvictingClient extends pg.Client {
  constructor(config?: string | EvictingClientConfig) {
    super(typeof config === 'object' && config.readUrl ? { ...config, connectionString: config.readUrl() } : config)
    this.on('error', () => {})
    const query = this.query.bind(this) as (...args: unknown[]) => unknown
    // pg's overloads (text, config, submittable; promise or callback) all pass through here.
    this.query = ((...args: unknown[]) => {
      const callback = args.at(-1)
      if (typeof callback === 'function') {
        return query(...args.slice(0, -1), (error: unknown, result: unknown) => {
          this.evictAfter(error)
          Reflect.apply(callback, undefined, [error, result])
        })
      }
      const result = query(...args)
      if (result instanceof Promise) result.catch((error: unknown) => this.evictAfter(error))
      return result
    }) as typeof this.query
  }

  private evictAfter(error: unknown): void {
    if (!(error instanceof Error) || error.message !== 'Query read timeout') return
    const { connection } = this as unknown as { connection: { stream: { destroy(): void } } }
    connection.stream.destroy()
  }
}
