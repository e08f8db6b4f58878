import { subscribe } from 'node:diagnostics_channel'
import { Connection } from '@platformatic/kafka'

/** Of `@platformatic/kafka` 2.12.1, which tells here of every connection that it makes. */
const INSTANCES_CHANNEL = 'plt:kafka:instances'

let listening = false

/**
 * Gives each connection of the library a listener for its errors. The library has none left once a broker resets a connection
 * in the middle of its authentication, and emits 'error' all the same, which would end the process and the calls it has paid for.
 * Who waits for the connection learns of the error by its callback.
 */
export function listenToConnectionErrors(): void {
  if (listening) return
  listening = true
  subscribe(INSTANCES_CHANNEL, (message) => {
    const { instance } = message as { instance: unknown }
    if (instance instanceof Connection) instance.on('error', () => undefined)
  })
}
