import { describe, expect, it, vi } from 'vitest'
import { makeTaskContext } from '../../../test/factories/task-context.factory.js'
import { TaskClaim } from './task-claim.js'
import type { TaskContext } from './task-context.js'

function makeClaim(count: number) {
  const contexts = Array.from({ length: count }, () => makeTaskContext().context)
  const onEnd = vi.fn<(context: TaskContext, failure?: unknown) => void>()
  return { contexts, onEnd, claim: new TaskClaim(contexts, onEnd) }
}

describe(TaskClaim.name, () => {
  it('runs all of its tasks at once and ends each by itself', async () => {
    const { claim, contexts, onEnd } = makeClaim(2)
    const slow = Promise.withResolvers<void>()
    const done = claim.run((context) => (context === contexts[0] ? slow.promise : Promise.resolve()))
    await vi.waitUntil(() => onEnd.mock.calls.length === 1)
    expect(onEnd.mock.calls).toEqual([[contexts[1]]])
    slow.resolve()
    await done
    expect(onEnd.mock.calls[1]).toEqual([contexts[0]])
  })

  it('tells the error of one task and goes on with the others', async () => {
    const { claim, contexts, onEnd } = makeClaim(2)
    const failure = new Error('not stored')
    await claim.run((context) => (context === contexts[0] ? Promise.reject(failure) : Promise.resolve()))
    expect(onEnd.mock.calls).toEqual(expect.arrayContaining([[contexts[0], failure], [contexts[1]]]))
  })

  it('ends with an error what it was never asked to run, and nothing twice', async () => {
    const never = makeClaim(1)
    const failure = new Error('the handler threw')
    never.claim.endUnrun(failure)
    never.claim.endUnrun(failure)
    expect(never.onEnd.mock.calls).toEqual([[never.contexts[0], failure]])
    const work = vi.fn<() => Promise<void>>(() => Promise.resolve())
    await never.claim.run(work)
    expect(work).not.toHaveBeenCalled()
  })
})
