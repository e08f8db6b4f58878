import { Injectable } from '@nestjs/common'
import { PipelineStep, TaskContext, type PipelineContext } from '#libs/kernel'
import { makeExpiry } from './verdict.js'

/**
 * Ends a task whose deadline has passed before anything is paid for it. One whose answer is already here is finished all the same. What
 * passes later, while files are read or a stream is waited for, is thrown by its TaskContext and ends the same way (RetryInterceptor).
 */
@Injectable()
export class DeadlineInterceptor extends PipelineStep {
  around(context: PipelineContext, next: () => Promise<unknown>): Promise<unknown> {
    if (!(context instanceof TaskContext) || context.task.storedAnswer) return next()
    const late = context.findLateness()
    if (!late) return next()
    if (context.attempt) context.attemptEnd = { attemptId: context.attempt.id, state: 'not_sent', error: late }
    return Promise.resolve(makeExpiry(late))
  }
}
