import { Inject, Injectable } from '@nestjs/common'
import { ResilienceEvents } from '#libs/resilience'
import { queueSettings, type QueueSettings } from '../../queue.settings.js'
import { QueueEvents } from './queue.events.js'

/**
 * Tells the retries of the intake as those of its port. The loops that fetch, commit and keep a session open rest by themselves: they have
 * no caller whom a policy could give an error to, and no breaker, since they ask a broker once in a while anyway.
 */
@Injectable()
export class IntakeRetries {
  constructor(queue: QueueEvents, resilience: ResilienceEvents, @Inject(queueSettings.KEY) { commitIntervalMs }: QueueSettings) {
    const tell = (error: Error, attempt: number, delayMs: number) => resilience.emit('retried', { port: 'kafka', attempt, delayMs, error })
    queue.on('fetchFailed', ({ error, attempt, delayMs }) => tell(error, attempt, delayMs))
    queue.on('commitFailed', ({ error, attempt }) => tell(error, attempt, commitIntervalMs))
    queue.on('reopening', ({ cause, attempt, delayMs }) => tell(cause, attempt, delayMs))
  }
}
