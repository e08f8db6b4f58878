import { Inject, Injectable } from '@nestjs/common'
import { classifyError, PipelineStep, TaskContext, TaskError, TaskTypes, type DeferralSchedules, type PipelineContext } from '#libs/kernel'
import { chooseDelay } from '../deferral/choose-delay.js'
import { deferralSettings } from '../deferral/deferral.settings.js'
import { classOf, spendsAttempt } from '../deferral/error-classes.js'
import { makeExpiry, makeFailure, type RunResult, type Verdict } from './verdict.js'

const DEFAULT_MAX_ATTEMPTS = 5

interface DeferralTerms {
  /** What a person reads as the reason. */
  readonly reason: string
  readonly countsAttempt: boolean
}

/**
 * Maps an error to what becomes of the task: put back for later, failed, or expired where later is too late. It never calls the handler
 * again: every send is an attempt of its own, admitted and written down.
 */
@Injectable()
export class RetryInterceptor extends PipelineStep {
  constructor(
    private readonly types: TaskTypes,
    @Inject(deferralSettings.KEY) private readonly schedules: DeferralSchedules,
  ) {
    super()
  }

  around(context: PipelineContext, next: () => Promise<unknown>): Promise<unknown> {
    // Intake has no attempts: what fails there is offered again by its transport.
    return context instanceof TaskContext ? this.settle(context, next) : next()
  }

  private async settle(context: TaskContext, next: () => Promise<unknown>): Promise<unknown> {
    let result: RunResult
    try {
      result = (await next()) as RunResult
    } catch (thrown) {
      return this.judge(classifyError(thrown), context)
    }
    if (result.outcome !== 'repeat') return result
    return this.defer(result.error, context, { reason: 'maybe_paid', countsAttempt: false })
  }

  private judge(error: TaskError, context: TaskContext): Verdict {
    // An attempt that was opened and not sent has cost nothing.
    if (context.attempt && !context.attemptEnd) context.attemptEnd = { attemptId: context.attempt.id, state: 'not_sent', error }
    if (error.code === 'deadline_exceeded') return makeExpiry(error)
    if (!error.retryable) return makeFailure(error)
    const countsAttempt = spendsAttempt(error, context.attemptEnd)
    const maxAttempts = this.types.find(context.task.type)?.maxAttempts ?? DEFAULT_MAX_ATTEMPTS
    // A try that failed before an attempt could be opened counts as one, or a defect there would repeat for ever.
    const attempts = context.attempts + (context.attempt ? 0 : 1)
    if (countsAttempt && attempts >= maxAttempts) return makeFailure(makeExhaustedError(error, attempts))
    return this.defer(error, context, { reason: error.code, countsAttempt })
  }

  /** A task that has its answer is finished however late it is: it was paid for. */
  private defer(error: TaskError, context: TaskContext, terms: DeferralTerms): Verdict {
    const { task } = context
    const deferralClass = classOf(error)
    const own = this.types.find(task.type)?.deferralMs
    const scheduleOf = (name: keyof DeferralSchedules) => own?.[name] ?? this.schedules[name]
    const delayMs = chooseDelay(error, { deferralClass, scheduleOf, task, random: Math.random, leftMs: context.leftMs })
    const late = context.hasAnswer ? undefined : context.findLatenessIn(delayMs, error)
    if (late) return makeExpiry(late)
    return { outcome: 'deferred', code: error.code, delayMs, deferralClass, ...terms }
  }
}

function makeExhaustedError(last: TaskError, attempts: number): TaskError {
  return new TaskError('max_attempts', `attempt ${attempts} was the last one and failed: ${last.code}: ${last.message}`, {
    retryable: false,
    cause: last,
  })
}
