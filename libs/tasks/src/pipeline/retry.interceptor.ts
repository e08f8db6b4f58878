import { Injectable } from '@nestjs/common'
import { classifyError, PipelineStep, TaskContext, TaskError, TaskTypes, type PipelineContext } from '#libs/kernel'
import { chooseDelay, spendsAttempt } from './deferral-policy.js'
import { makeExpiry, makeFailure, type Verdict } from './verdict.js'

const DEFAULT_SCHEDULE_MS = [1_000, 5_000, 30_000]
const DEFAULT_MAX_ATTEMPTS = 5

/**
 * Maps an error to what becomes of the task: put back for later, or failed. It never calls the handler again: every send is an attempt of
 * its own, admitted and written down.
 */
@Injectable()
export class RetryInterceptor extends PipelineStep {
  constructor(private readonly types: TaskTypes) {
    super()
  }

  around(context: PipelineContext, next: () => Promise<unknown>): Promise<unknown> {
    // Intake has no attempts: what fails there is offered again by its transport.
    return context instanceof TaskContext ? this.defer(context, next) : next()
  }

  private async defer(context: TaskContext, next: () => Promise<unknown>): Promise<unknown> {
    try {
      return await next()
    } catch (thrown) {
      return this.judge(classifyError(thrown), context)
    }
  }

  private judge(error: TaskError, context: TaskContext): Verdict {
    const { task } = context
    const type = this.types.find(task.type)
    // An attempt that was opened and not sent has cost nothing.
    if (context.attempt && !context.attemptEnd) context.attemptEnd = { attemptId: context.attempt.id, state: 'not_sent', error }
    if (error.code === 'deadline_exceeded') return makeExpiry(error)
    if (!error.retryable) return makeFailure(error)
    const countsAttempt = spendsAttempt(error)
    const maxAttempts = type?.maxAttempts ?? DEFAULT_MAX_ATTEMPTS
    // A try that failed before an attempt could be opened counts as one, or a defect there would repeat for ever.
    const attempts = context.attempts + (context.attempt ? 0 : 1)
    if (countsAttempt && attempts >= maxAttempts) return makeFailure(makeExhaustedError(error, attempts))
    const scheduleMs = type?.deferralMs ?? DEFAULT_SCHEDULE_MS
    const sends = context.attempt?.number ?? context.attempts
    const delayMs = chooseDelay(error, { scheduleMs, sends, random: Math.random })
    return { outcome: 'deferred', code: error.code, delayMs, reason: error.code, countsAttempt }
  }
}

function makeExhaustedError(last: TaskError, attempts: number): TaskError {
  return new TaskError('max_attempts', `attempt ${attempts} was the last one and failed: ${last.code}: ${last.message}`, {
    retryable: false,
    cause: last,
  })
}
