/** A response whose body is known as a whole. */
export interface WholeReply {
  readonly kind: 'whole'
  readonly status: number
  readonly contentType: string
  readonly body: string | Buffer
  /** Further headers, flat. */
  readonly headers?: readonly string[]
}

/** A stream of server-sent events, each already framed (`data: ...\n\n`). */
export interface EventsReply {
  readonly kind: 'events'
  readonly events: readonly string[]
  readonly intervalMs: number
  /** Instead of text/event-stream. */
  readonly contentType?: string
}

export type Reply = WholeReply | EventsReply

export const JSON_TYPE = 'application/json; charset=utf-8'
/** Without charset, as recorded. */
export const EVENT_STREAM_TYPE = 'text/event-stream'

export function makeJsonReply(value: unknown, status = 200): WholeReply {
  return { kind: 'whole', status, contentType: JSON_TYPE, body: JSON.stringify(value) }
}

/** The gateway's error shape. The OAuth service has another: `makeOauthError`. */
export function makeErrorReply(status: number, message: string): WholeReply {
  return makeJsonReply({ status, message }, status)
}
