import { Consumer, kGetApi, type API, type Callback } from '@platformatic/kafka'
import { makePackedFetch } from './packed-fetch.api.js'

/** The library's Consumer as a client of Fetch requests whose answers stay packed: it keeps the broker's fetch sessions all the same. */
export class PackedFetchConsumer extends Consumer {
  override [kGetApi]<Arguments extends unknown[], Response>(name: string, callback: Callback<API<Arguments, Response>>): void {
    super[kGetApi]<Arguments, Response>(name, (error, api) => {
      if (error || api === undefined || name !== 'Fetch') return callback(error, api)
      try {
        callback(null, makePackedFetch(api.version) as unknown as API<Arguments, Response>)
      } catch (unknownVersion) {
        callback(unknownVersion as Error)
      }
    })
  }
}
