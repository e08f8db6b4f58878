import { lastValueFrom, of, throwError, type Observable } from 'rxjs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { TaskError, TaskTypes, type PipelineContext } from '#libs/kernel'
import { makeClaimedTask } from '../../../../test/factories/claimed-task.factory.js'
import { makeExecution, makeIntakeContext, makeTaskContext } from '../../../../test/factories/task-context.factory.js'
import { makeTaskType } from '../../../../test/factories/task-type.factory.js'
import { FileTaskTypes } from '../types/file-task-types.js'
import { RetryInterceptor } from './retry.interceptor.js'

const types = new FileTaskTypes([makeTaskType({ maxAttempts: 3, deferralMs: [1_000, 5_000] })])

/** What the interceptor makes of this error. */
async function judge(thrown: unknown, context: PipelineContext, rules: TaskTypes = types): Promise<unknown> {
  const random = vi.spyOn(Math, 'random').mockReturnValue(1)
  onTestFinished(() => random.mockRestore())
  const handle = vi.fn<() => Observable<unknown>>(() => throwError(() => thrown))
  const verdict: unknown = await lastValueFrom(new RetryInterceptor(rules).intercept(makeExecution(context), { handle }))
  expect(handle).toHaveBeenCalledTimes(1)
  return verdict
}

const unavailable = (code: TaskError['code'] = 'llm_server_error') => TaskError.unavailable(code, 'away')

describe(RetryInterceptor.name, () => {
  it('passes the verdict of a handler on', async () => {
    const { context } = makeTaskContext()
    const passed = new RetryInterceptor(types).intercept(makeExecution(context), { handle: () => of('verdict') })
    await expect(lastValueFrom(passed)).resolves.toBe('verdict')
    expect(context.attemptEnd).toBeUndefined()
  })

  it('defers a retryable error by the schedule of the type, and counts the attempt', async () => {
    const { context } = makeTaskContext()
    expect(await judge(unavailable(), context)).toEqual({
      outcome: 'deferred',
      code: 'llm_server_error',
      delayMs: 1_000,
      reason: 'llm_server_error',
      countsAttempt: true,
    })
  })

  it('takes the step of the schedule by the number of the attempt, not by how many count', async () => {
    const { context } = makeTaskContext(makeClaimedTask({ attempts: 1, attempt: { id: 'a', number: 7 } }))
    expect(await judge(unavailable(), context)).toMatchObject({ delayMs: 5_000 })
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
    const { context } = makeTaskContext(makeClaimedTask({ attempts: 3 }))
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

  it('uses five attempts and its own schedule where the type is gone', async () => {
    const none = new FileTaskTypes([])
    const { context } = makeTaskContext(makeClaimedTask({ attempts: 4, attempt: { id: 'a', number: 3 } }))
    expect(await judge(unavailable(), context, none)).toMatchObject({ outcome: 'deferred', delayMs: 30_000 })
    const spent = makeTaskContext(makeClaimedTask({ attempts: 5 }))
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
