import { Injectable } from '@nestjs/common'
import { Clock, PipelineStep, TaskContext, TaskError, type PipelineContext } from '#libs/kernel'
import type { Verdict } from './verdict.js'

/** Ends a task whose deadline has passed before anything is paid for it. One whose answer is already here is finished all the same. */
@Injectable()
export class DeadlineInterceptor extends PipelineStep {
  constructor(private readonly clock: Clock) {
    super()
  }

  around(context: PipelineContext, next: () => Promise<unknown>): Promise<unknown> {
    if (!(context instanceof TaskContext) || context.deadlineMs === null || context.task.storedAnswer) return next()
    const lateMs = this.clock.nowMs() - context.deadlineMs
    if (lateMs <= 0) return next()
    const error = TaskError.invalid('deadline_exceeded', `the deadline passed ${Math.ceil(lateMs / 1_000)} s before the call could start`)
    if (context.attempt) context.attemptEnd = { attemptId: context.attempt.id, state: 'not_sent', error }
    return Promise.resolve({ outcome: 'expired', code: error.code, error, facts: {} } satisfies Verdict)
  }
}
