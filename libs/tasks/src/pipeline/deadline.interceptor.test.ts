import { lastValueFrom, of, type Observable } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import type { ClaimedTask, PipelineContext } from '#libs/kernel'
import { makeClaimedTask } from '../../../../test/factories/claimed-task.factory.js'
import { makeStoredAnswer } from '../../../../test/factories/stored-answer.factory.js'
import { makeExecution, makeIntakeContext, makeTaskContext } from '../../../../test/factories/task-context.factory.js'
import { FakeClock } from '../../../../test/fakes/fake.clock.js'
import { DeadlineInterceptor } from './deadline.interceptor.js'

const clock = new FakeClock()

async function intercept(context: PipelineContext) {
  const handle = vi.fn<() => Observable<unknown>>(() => of('handled'))
  const verdict: unknown = await lastValueFrom(new DeadlineInterceptor().intercept(makeExecution(context), { handle }))
  return { verdict, handled: handle.mock.calls.length }
}

function makeContext(fields: Partial<ClaimedTask>) {
  return makeTaskContext(makeClaimedTask(fields)).context
}

describe(DeadlineInterceptor.name, () => {
  it('ends a task as expired, without a call and with its attempt not sent, when its deadline has passed', async () => {
    const context = makeContext({ deadlineMs: clock.nowMs() - 1_001 })
    const { verdict, handled } = await intercept(context)
    expect(handled).toBe(0)
    expect(verdict).toMatchObject({
      outcome: 'expired',
      code: 'deadline_exceeded',
      error: { message: 'the deadline passed 2 s before the call could start', retryable: false },
      facts: {},
    })
    expect(context.attemptEnd).toMatchObject({ attemptId: context.attempt!.id, state: 'not_sent', error: { code: 'deadline_exceeded' } })
  })

  it('ends no attempt when none is open', async () => {
    const context = makeContext({ deadlineMs: clock.nowMs() - 1, attempt: null })
    expect(await intercept(context)).toMatchObject({ verdict: { outcome: 'expired' }, handled: 0 })
    expect(context.attemptEnd).toBeUndefined()
  })

  it.each([
    ['has no deadline', { deadlineMs: null }],
    ['is just in time', { deadlineMs: clock.nowMs() }],
    ['has its answer already', { deadlineMs: 1, attempt: null, storedAnswer: makeStoredAnswer() }],
  ])('handles a task that %s', async (_, fields) => {
    const context = makeContext(fields)
    expect(await intercept(context)).toEqual({ verdict: 'handled', handled: 1 })
    expect(context.attemptEnd).toBeUndefined()
  })

  it('lets deliveries pass', async () => {
    expect(await intercept(makeIntakeContext())).toEqual({ verdict: 'handled', handled: 1 })
  })
})
