import { lastValueFrom, of, throwError, type Observable } from 'rxjs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { TaskError, TaskTypes, type ClaimedTask, type PipelineContext } from '#libs/kernel'
import { makeClaimedTask } from '../../../../test/factories/claimed-task.factory.js'
import { makeExecution, makeIntakeContext, makeTaskContext } from '../../../../test/factories/task-context.factory.js'
import { makeTaskType } from '../../../../test/factories/task-type.factory.js'
import { FakeClock } from '../../../../test/fakes/fake.clock.js'
import { FileTaskTypes } from '../types/file-task-types.js'
import { deferralSettings } from '../deferral/deferral.settings.js'
import { RetryInterceptor } from './retry.interceptor.js'

/** Where the clock of a test stands. */
const NOW_MS = new FakeClock().nowMs()
const SCHEDULES = deferralSettings.parse({ DEFERRAL_PROVIDER_ERROR_MS: '30000,60000', DEFERRAL_RATE_LIMITED_MS: '2000' })

const types = new FileTaskTypes([makeTaskType({ maxAttempts: 3 })])

/** What the interceptor makes of this error. */
async function judge(thrown: unknown, context: PipelineContext, rules: TaskTypes = types): Promise<unknown> {
  const random = vi.spyOn(Math, 'random').mockReturnValue(1)
  onTestFinished(() => random.mockRestore())
  const handle = vi.fn<() => Observable<unknown>>(() => throwError(() => thrown))
  const verdict: unknown = await lastValueFrom(new RetryInterceptor(rules, SCHEDULES).intercept(makeExecution(context), { handle }))
  expect(handle).toHaveBeenCalledTimes(1)
  return verdict
}

const unavailable = (code: TaskError['code'] = 'llm_server_error') => TaskError.unavailable(code, 'away')

/** A task whose provider has answered with an error. */
function makeRefused(fields: Partial<ClaimedTask> = {}) {
  const { context } = makeTaskContext(makeClaimedTask(fields))
  context.attemptEnd = { attemptId: context.attempt!.id, state: 'refused', error: unavailable() }
  return { context }
}

describe(RetryInterceptor.name, () => {
  it('passes the verdict of a handler on', async () => {
    const { context } = makeTaskContext()
    const passed = new RetryInterceptor(types, SCHEDULES).intercept(makeExecution(context), { handle: () => of('verdict') })
    await expect(lastValueFrom(passed)).resolves.toBe('verdict')
    expect(context.attemptEnd).toBeUndefined()
  })

  it('defers a retryable error by the schedule of the type, and counts the attempt', async () => {
    const { context } = makeRefused()
    expect(await judge(unavailable(), context)).toEqual({
      outcome: 'deferred',
      code: 'llm_server_error',
      delayMs: 1_000,
      reason: 'llm_server_error',
      deferralClass: 'provider_error',
      countsAttempt: true,
    })
  })

  it('takes the step of the schedule by the deferrals of the same class in a row, not by the attempts', async () => {
    const { context } = makeRefused({ attempt: { id: 'a', number: 7 }, deferralClass: 'provider_error', deferrals: 1 })
    expect(await judge(unavailable(), context)).toMatchObject({ delayMs: 5_000 })
  })

  it('takes the schedule of the settings where the type has none for the class', async () => {
    const { context } = makeRefused()
    expect(await judge(unavailable('llm_rate_limited'), context)).toMatchObject({ delayMs: 2_000, deferralClass: 'rate_limited' })
  })

  it('does not count an attempt of which nothing reached the provider', async () => {
    const { context } = makeTaskContext(makeClaimedTask({ attempts: 3 }))
    expect(await judge(unavailable('llm_connection_lost'), context)).toMatchObject({ outcome: 'deferred', countsAttempt: false })
  })

  it('puts a call off that may have been paid for and is to be repeated, and does not count it', async () => {
    const { context } = makeRefused({ attempts: 3 })
    const repeat = { outcome: 'repeat', error: unavailable('llm_timeout') }
    const verdict = await lastValueFrom(
      new RetryInterceptor(types, SCHEDULES).intercept(makeExecution(context), { handle: () => of(repeat) }),
    )
    expect(verdict).toMatchObject({
      outcome: 'deferred',
      code: 'llm_timeout',
      reason: 'maybe_paid',
      deferralClass: 'provider_error',
      countsAttempt: false,
    })
  })

  describe('where the next try would come after the deadline', () => {
    it('ends the task as expired at once, and says so', async () => {
      const { context } = makeRefused({ deadlineMs: NOW_MS + 500 })
      expect(await judge(unavailable(), context)).toMatchObject({
        outcome: 'expired',
        code: 'deadline_exceeded',
        error: { message: 'the next try, in 1 s, would come after the deadline; the last one: llm_server_error: away', retryable: false },
      })
      expect(context.attemptEnd).toMatchObject({ state: 'refused' })
    })

    it('waits no longer than the time that is left, where the wait is its own', async () => {
      const { context } = makeRefused({ deadlineMs: NOW_MS + 1_500, deferralClass: 'rate_limited', deferrals: 50 })
      expect(await judge(unavailable('llm_rate_limited'), context)).toMatchObject({ outcome: 'deferred', delayMs: 1_200 })
    })

    it('takes what the other side asked for as the time of the next try', async () => {
      const { context } = makeRefused({ deadlineMs: NOW_MS + 5_000 })
      const asked = new TaskError('llm_rate_limited', 'later', { retryable: true, retryAfterMs: 6_000 })
      expect(await judge(asked, context)).toMatchObject({ outcome: 'expired' })
    })

    it('defers all the same when the run has its answer', async () => {
      const { context } = makeTaskContext(makeClaimedTask({ deadlineMs: NOW_MS + 500, attempt: null }))
      context.hasAnswer = true
      expect(await judge(unavailable('storage_unavailable'), context)).toMatchObject({ outcome: 'deferred' })
    })
  })

  it('defers a task whose next try comes right at its deadline', async () => {
    const { context } = makeRefused({ deadlineMs: NOW_MS + 1_000 })
    expect(await judge(unavailable(), context)).toMatchObject({ outcome: 'deferred', delayMs: 1_000 })
  })

  it('does not count an attempt while the task only waits', async () => {
    const { context } = makeTaskContext(makeClaimedTask({ attempts: 3 }))
    expect(await judge(unavailable('llm_rate_limited'), context)).toMatchObject({ outcome: 'deferred', countsAttempt: false })
  })

  it('ends no attempt when none is open', async () => {
    const { context } = makeTaskContext(makeClaimedTask({ attempts: 0, attempt: null }))
    expect(await judge(unavailable('storage_unavailable'), context)).toMatchObject({ outcome: 'deferred', countsAttempt: false })
    expect(context.attemptEnd).toBeUndefined()
  })

  it('does not repeat for ever what fails before an attempt can be opened', async () => {
    const error = new Error('a defect in the renderer')
    const { context: first } = makeTaskContext(makeClaimedTask({ attempts: 1, attempt: null }))
    expect(await judge(error, first)).toMatchObject({ outcome: 'deferred', countsAttempt: true })
    const { context: last } = makeTaskContext(makeClaimedTask({ attempts: 2, attempt: null }))
    expect(await judge(error, last)).toMatchObject({ outcome: 'failed', code: 'max_attempts' })
  })

  it('fails a task whose last attempt was spent, naming the last error', async () => {
    const { context } = makeRefused({ attempts: 3 })
    const last = unavailable()
    expect(await judge(last, context)).toMatchObject({
      outcome: 'failed',
      code: 'max_attempts',
      error: { message: 'attempt 3 was the last one and failed: llm_server_error: away', cause: last, retryable: false },
      facts: {},
    })
  })

  it('fails a task at once when its error is final', async () => {
    const { context } = makeTaskContext()
    const error = TaskError.invalid('llm_bad_request', 'no')
    expect(await judge(error, context)).toEqual({ outcome: 'failed', code: 'llm_bad_request', error, facts: {} })
  })

  it('ends a task as expired when its deadline passed before the call, the attempt not sent', async () => {
    const { context } = makeTaskContext()
    const error = TaskError.invalid('deadline_exceeded', 'late')
    expect(await judge(error, context)).toEqual({ outcome: 'expired', code: 'deadline_exceeded', error, facts: {} })
    expect(context.attemptEnd).toEqual({ attemptId: context.attempt!.id, state: 'not_sent', error })
  })

  it('defers an unknown error as internal', async () => {
    const { context } = makeTaskContext()
    expect(await judge(new TypeError('x is undefined'), context)).toMatchObject({
      outcome: 'deferred',
      code: 'internal',
      countsAttempt: true,
    })
  })

  it('ends an open attempt as not sent when the handler did not say how it ended', async () => {
    const { context } = makeTaskContext()
    const error = unavailable('storage_unavailable')
    await judge(error, context)
    expect(context.attemptEnd).toEqual({ attemptId: context.attempt!.id, state: 'not_sent', error })
  })

  it('keeps the end of an attempt that the handler has told', async () => {
    const { context } = makeTaskContext()
    const told = { attemptId: context.attempt!.id, state: 'refused', error: unavailable() } as const
    context.attemptEnd = told
    await judge(unavailable(), context)
    expect(context.attemptEnd).toBe(told)
  })

  it('uses five attempts and the schedules of the settings where the type is gone', async () => {
    const none = new FileTaskTypes([])
    const { context } = makeRefused({ attempts: 4 })
    expect(await judge(unavailable(), context, none)).toMatchObject({ outcome: 'deferred', delayMs: 30_000 })
    const spent = makeRefused({ attempts: 5 })
    expect(await judge(unavailable(), spent.context, none)).toMatchObject({ code: 'max_attempts' })
  })

  it('rejects with the defect when it cannot judge', async () => {
    const broken = new (class extends TaskTypes {
      override readonly names = []
      override find(): never {
        throw new Error('broken')
      }
    })()
    await expect(judge(unavailable(), makeTaskContext().context, broken)).rejects.toThrow('broken')
  })

  it('leaves errors of deliveries to their transport', async () => {
    await expect(judge(unavailable('ledger_unavailable'), makeIntakeContext())).rejects.toMatchObject({ code: 'ledger_unavailable' })
  })
})
