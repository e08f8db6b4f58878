import { Injectable, Logger } from '@nestjs/common'
import { AdmissionEvents } from './admission.events.js'

/** One line when a route is closed and one when it works again; failures to ask PostgreSQL are the breaker's of PostgreSQL to tell. */
@Injectable()
export class AdmissionLog {
  private readonly logger = new Logger(AdmissionLog.name)

  constructor(events: AdmissionEvents) {
    const { logger } = this
    events.on('routeChanged', ({ status, provider, model, reason, leftMs }) => {
      const facts = { provider, model, reason, openMs: Math.round(leftMs) }
      if (status === 'open') logger.warn('calls of a model are held back: its breaker is open', facts)
      else if (status === 'half_open') logger.debug('a model is probed', facts)
      else logger.log('a model works again: its breaker has closed', facts)
    })
    events.on('limitMet', (facts) => logger.debug('the provider has refused a call because there are too many', facts))
    events.on('failed', (error) => logger.debug('limits could not be shared with the other replicas', { error }))
  }
}
