/**
 * What toxiproxy can do to the bytes of a proxy's connections, as its HTTP API takes it. `downstream` is from the server to the client.
 * https://github.com/Shopify/toxiproxy#toxics
 */
export type Toxic =
  /** Every piece of data comes later, in ms. */
  | ToxicOf<'latency', { readonly latency: number; readonly jitter?: number }>
  /** In KB/s. */
  | ToxicOf<'bandwidth', { readonly rate: number }>
  /** RST after `timeout` ms; 0 = at once. New connections too, until it is removed. */
  | ToxicOf<'reset_peer', { readonly timeout: number }>
  /** Nothing passes; the connection is closed after `timeout` ms, or with 0 when the toxic is removed. */
  | ToxicOf<'timeout', { readonly timeout: number }>
  /** The connection is closed after so many bytes. */
  | ToxicOf<'limit_data', { readonly bytes: number }>

interface ToxicOf<T extends string, A> {
  readonly type: T
  readonly stream: 'downstream' | 'upstream'
  readonly attributes: A
}
