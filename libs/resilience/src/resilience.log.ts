import { Injectable, Logger } from '@nestjs/common'
import { ResilienceEvents } from './ports/resilience.events.js'

/** What is tried for ever must be seen though no single retry is worth a line. */
const TRIES_PER_WARNING = 10

/** One line when a port goes away and one when it is back. Single retries, probes and give-ups are for those who debug. */
@Injectable()
export class ResilienceLog {
  private readonly logger = new Logger(ResilienceLog.name)

  constructor(events: ResilienceEvents) {
    const { logger } = this
    events.on('breakerOpened', ({ again, ...facts }) => {
      if (again) logger.debug('a port is still away', facts)
      else logger.warn('a port is away: its breaker has opened', facts)
    })
    events.on('breakerHalfOpened', (facts) => logger.debug('a port is probed', facts))
    events.on('breakerClosed', ({ port, awayMs }) =>
      logger.log('a port is back: its breaker has closed', { port, awayMs: Math.round(awayMs) }),
    )
    events.on('retried', (facts) => {
      if (facts.attempt % TRIES_PER_WARNING === 0) logger.warn('a port has refused a call again and again', facts)
      else logger.debug('a call of a port is tried again', facts)
    })
    events.on('gaveUp', (facts) => logger.debug('a call of a port is given up', facts))
    events.on('timedOut', (facts) => logger.debug('a call of a port took too long', facts))
  }
}
