import { Injectable } from '@nestjs/common'
import { ResilienceEvents } from './resilience.events.js'

export type PortBreakerState = 'closed' | 'half_open' | 'open'

/** How the breakers of the ports stand, for people. */
@Injectable()
export class BreakerBoard {
  private readonly byPort = new Map<string, PortBreakerState>()

  constructor(events: ResilienceEvents) {
    events.on('breakerMade', ({ port }) => this.byPort.set(port, 'closed'))
    events.on('breakerOpened', ({ port }) => this.byPort.set(port, 'open'))
    events.on('breakerHalfOpened', ({ port }) => this.byPort.set(port, 'half_open'))
    events.on('breakerClosed', ({ port }) => this.byPort.set(port, 'closed'))
  }

  get states(): Readonly<Record<string, PortBreakerState>> {
    return Object.fromEntries(this.byPort)
  }
}
