import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common'
import { of, type Observable } from 'rxjs'
import { Clock, TaskContext, TaskError } from '#libs/kernel'
import type { Verdict } from './verdict.js'

/** Ends a task whose deadline has passed before anything is paid for it. One whose answer is already here is finished all the same. */
@Injectable()
export class DeadlineInterceptor implements NestInterceptor {
  constructor(private readonly clock: Clock) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const context: unknown = execution.switchToRpc().getContext()
    if (!(context instanceof TaskContext) || context.deadlineMs === null || context.task.storedAnswer) return next.handle()
    const lateMs = this.clock.nowMs() - context.deadlineMs
    if (lateMs <= 0) return next.handle()
    const error = TaskError.invalid('deadline_exceeded', `the deadline passed ${Math.ceil(lateMs / 1_000)} s before the call could start`)
    if (context.attempt) context.attemptEnd = { attemptId: context.attempt.id, state: 'not_sent', error }
    return of({ outcome: 'expired', code: error.code, error, facts: {} } satisfies Verdict)
  }
}
