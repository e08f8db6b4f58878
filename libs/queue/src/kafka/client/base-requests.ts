import { kGetApi, kGetBootstrapConnection, kGetConnection, type API, type Base, type Broker, type Connection } from '@platformatic/kafka'

/** The library's `Base` as a client of single requests: what it keeps behind symbols and callbacks, as promises. */
export function getConnection(base: Base, broker: Broker): Promise<Connection> {
  return new Promise((resolve, reject) => base[kGetConnection](broker, settle(resolve, reject)))
}

export function getBootstrapConnection(base: Base): Promise<Connection> {
  return new Promise((resolve, reject) => base[kGetBootstrapConnection](settle(resolve, reject)))
}

/** The newest version of a request that both sides know. */
export function getApi<Arguments extends unknown[], Response>(base: Base, name: string): Promise<API<Arguments, Response>> {
  return new Promise((resolve, reject) => base[kGetApi]<Arguments, Response>(name, settle(resolve, reject)))
}

export function settle<T>(resolve: (value: T) => void, reject: (error: Error) => void) {
  return (error: Error | null, value?: T) => (error ? reject(error) : resolve(value as T))
}
