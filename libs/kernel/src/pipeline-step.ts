import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common'
import { defer, lastValueFrom, type Observable } from 'rxjs'
import type { PipelineContext } from './pipeline-context.js'

/**
 * An interceptor of the task pipeline, written as a function around a promise: what it gives, or rejects with, is what the steps outside of it
 * see. `intercept` makes it an interceptor like any other to Nest; the pipeline itself calls `around`, because observables, with their
 * subscribers and subscriptions on each of six levels, were a seventh of all memory that a task took.
 */
export abstract class PipelineStep implements NestInterceptor {
  /** `next` is called at most once. It may throw as well as reject. */
  abstract around(context: PipelineContext, next: () => Promise<unknown>): Promise<unknown>

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const context = execution.switchToRpc().getContext<PipelineContext>()
    return defer(() => this.around(context, () => handleOnce(next)))
  }
}

/** The value that a handler ends with; undefined where it gives none. */
export function handleOnce(next: CallHandler): Promise<unknown> {
  return lastValueFrom(next.handle() as Observable<unknown>, { defaultValue: undefined })
}
