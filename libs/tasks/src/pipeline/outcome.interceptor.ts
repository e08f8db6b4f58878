import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common'
import { catchError, concatMap, from, of, type Observable } from 'rxjs'
import { classifyError, TaskContext } from '#libs/kernel'
import { OutcomeStore } from '../run/outcome.store.js'
import { makeFailure, type Verdict } from './verdict.js'

/**
 * The outermost interceptor: whatever happened inside becomes an outcome that is stored, and only then is the dispatch over. It rejects
 * only when the outcome itself could not be stored; Nest would otherwise turn an unknown error into "Internal server error".
 */
@Injectable()
export class OutcomeInterceptor implements NestInterceptor {
  constructor(private readonly outcomes: OutcomeStore) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const context: unknown = execution.switchToRpc().getContext()
    // Intake stores its deliveries itself: it rejects when it could not, and then no offset is committed.
    if (!(context instanceof TaskContext)) return next.handle()
    return next.handle().pipe(
      catchError((thrown: unknown) => of(makeFailure(classifyError(thrown)))),
      concatMap((verdict) => {
        context.releaseStream()
        return from(this.outcomes.store(context, verdict as Verdict))
      }),
    )
  }
}
