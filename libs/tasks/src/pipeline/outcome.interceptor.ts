import { Injectable } from '@nestjs/common'
import { classifyError, PipelineStep, TaskContext, type PipelineContext } from '#libs/kernel'
import { runBelow, Tracer } from '#libs/tracing'
import { TaskEvents } from '../metrics/task.events.js'
import { OutcomeStore } from '../run/outcome.store.js'
import { makeFailure, type Verdict } from './verdict.js'

/**
 * The outermost interceptor: whatever happened inside becomes an outcome that is stored, and only then is the dispatch over. It rejects
 * only when the outcome itself could not be stored; Nest would otherwise turn an unknown error into "Internal server error".
 */
@Injectable()
export class OutcomeInterceptor extends PipelineStep {
  constructor(
    private readonly outcomes: OutcomeStore,
    private readonly tracer: Tracer,
    private readonly events: TaskEvents,
  ) {
    super()
  }

  around(context: PipelineContext, next: () => Promise<unknown>): Promise<unknown> {
    // Intake stores its deliveries itself: it rejects when it could not, and then no offset is committed.
    return context instanceof TaskContext ? this.settle(context, next) : next()
  }

  private async settle(context: TaskContext, next: () => Promise<unknown>): Promise<unknown> {
    let verdict: Verdict
    try {
      verdict = (await next()) as Verdict
    } catch (thrown) {
      verdict = makeFailure(classifyError(thrown))
    }
    context.releaseStream()
    context.enter('store')
    const store = () => this.outcomes.store(context, verdict)
    // The span of the dispatch has ended; what is stored of it belongs below it all the same.
    const stored = await (this.tracer.records ? runBelow(context.traceparent, store) : store())
    context.enter(null)
    const deferralClass = verdict.outcome === 'deferred' && stored.outcome === 'deferred' ? { deferralClass: verdict.deferralClass } : {}
    this.events.emit('settled', { context, ...stored, ...deferralClass })
    return stored
  }
}
