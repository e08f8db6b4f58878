import type { HttpConnection } from './http.connection.js'

/** A request that needs a connection. */
export interface ConnectionUser {
  /** Called once. Ends with `release` or `discard` of this very connection. */
  connected(connection: HttpConnection): void
  /** Called instead of `connected` when the pool is or gets closed. */
  closed(): void
}

/**
 * At most `max` connections to one server, each used by one request at a time. A free one is taken from the end of a list: the one used
 * last, and the least likely to have been closed by the server.
 *
 * A connection is made when none is free and there are fewer than `max`; its first request opens its socket, and so does the first one
 * after the socket was closed. A request that comes when all are busy waits; `leave` takes it out again. Freed connections are
 * handed on in a microtask, because they are freed deep inside their own bookkeeping: to the longest waiter, unless a request of the same turn
 * has taken them before.
 */
export class ConnectionPool {
  private readonly free: HttpConnection[] = []
  private readonly all = new Set<HttpConnection>()
  private readonly waiting = new Set<ConnectionUser>()
  private isClosed = false

  constructor(
    private readonly max: number,
    private readonly createConnection: () => HttpConnection,
  ) {}

  acquire(user: ConnectionUser): void {
    const connection = this.take()
    if (connection) user.connected(connection)
    else if (this.isClosed) user.closed()
    else this.waiting.add(user)
  }

  leave(user: ConnectionUser): void {
    this.waiting.delete(user)
  }

  release(connection: HttpConnection): void {
    this.free.push(connection)
    if (this.waiting.size > 0) queueMicrotask(() => this.serveWaiting())
  }

  /** For a connection whose request ended before it was written: it may still be in the middle of opening its socket. */
  discard(connection: HttpConnection): void {
    this.all.delete(connection)
    connection.destroy()
    if (this.waiting.size > 0) queueMicrotask(() => this.serveWaiting())
  }

  /** Ends the requests in flight and those that wait. */
  destroy(): void {
    this.isClosed = true
    for (const user of this.waiting) user.closed()
    for (const connection of this.all) connection.destroy()
  }

  private serveWaiting(): void {
    for (const user of this.waiting) {
      const connection = this.take()
      if (!connection) return
      this.waiting.delete(user)
      user.connected(connection)
    }
  }

  private take(): HttpConnection | undefined {
    if (this.isClosed) return undefined
    return this.free.pop() ?? this.grow()
  }

  private grow(): HttpConnection | undefined {
    if (this.all.size >= this.max) return undefined
    const connection = this.createConnection()
    this.all.add(connection)
    return connection
  }
}
