import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Counter, Gauge } from 'prom-client'
import { ResilienceEvents } from './ports/resilience.events.js'
import { BREAKER_STATE, PORT_GIVE_UPS, PORT_RETRIES } from './resilience.metrics.js'

const STATE = { closed: 0, halfOpen: 1, open: 2 }

/** Counts what the policies of the ports decide. */
@Injectable()
export class ResilienceMeter {
  constructor(
    events: ResilienceEvents,
    @InjectMetric(PORT_RETRIES) retries: Counter<'port'>,
    @InjectMetric(PORT_GIVE_UPS) giveUps: Counter<'port'>,
    @InjectMetric(BREAKER_STATE) state: Gauge<'port'>,
  ) {
    events.on('retried', ({ port }) => retries.inc({ port }))
    events.on('gaveUp', ({ port }) => giveUps.inc({ port }))
    events.on('timedOut', ({ port }) => giveUps.inc({ port }))
    events.on('breakerMade', ({ port }) => {
      state.set({ port }, STATE.closed)
      // A series that begins with its first event shows no increase at it.
      retries.inc({ port }, 0)
      giveUps.inc({ port }, 0)
    })
    events.on('breakerOpened', ({ port }) => state.set({ port }, STATE.open))
    events.on('breakerHalfOpened', ({ port }) => state.set({ port }, STATE.halfOpen))
    events.on('breakerClosed', ({ port }) => state.set({ port }, STATE.closed))
  }
}
