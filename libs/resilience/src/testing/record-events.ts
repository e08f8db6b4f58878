import type { EventEmitter } from 'node:events'
import type { ResilienceEventMap, ResilienceEvents } from '../ports/resilience.events.js'

type Recorded = { readonly [K in keyof ResilienceEventMap]: ResilienceEventMap[K][0][] }

/** All that is told from now on, by the names of the events. */
export function recordEvents(events: ResilienceEvents): Recorded {
  const recorded: Recorded = {
    retried: [],
    gaveUp: [],
    timedOut: [],
    breakerMade: [],
    breakerOpened: [],
    breakerHalfOpened: [],
    breakerClosed: [],
  }
  for (const [name, list] of Object.entries(recorded)) (events as EventEmitter).on(name, (event) => void list.push(event as never))
  return recorded
}
