import type { Exchange } from './exchange.js'
import { EVENT_STREAM_TYPE, type EventsReply, type Reply } from './reply.js'
import { play } from './write.player.js'

/** Sends a reply as it is. Faulty replies go through `faults/`. */
export function deliver(exchange: Exchange, reply: Reply): void {
  if (exchange.closed) return
  if (reply.kind === 'events') return deliverEvents(exchange, reply)
  exchange.record.outcome = reply.status < 400 ? 'answered' : 'refused'
  exchange.send(reply)
}

function deliverEvents(exchange: Exchange, { events, intervalMs }: EventsReply): void {
  const { record } = exchange
  // A stream that the client leaves in the middle is not a paid answer: the mark comes back with its last event.
  const { paid } = record
  record.paid = false
  exchange.start(200, exchange.headers(EVENT_STREAM_TYPE))
  play(exchange, {
    writes: events,
    gapMs: intervalMs,
    ending: 'end',
    onLast: () => {
      record.paid = paid
      record.outcome = 'answered'
    },
  })
}
