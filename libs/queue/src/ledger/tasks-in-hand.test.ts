import { describe, expect, it } from 'vitest'
import type { ClaimedTask } from '#libs/kernel'
import { makeClaimedTask } from '../../../../test/factories/claimed-task.factory.js'
import { makeStoredAnswer } from '../../../../test/factories/stored-answer.factory.js'
import { makeTaskContext } from '../../../../test/factories/task-context.factory.js'
import { TasksInHand } from './tasks-in-hand.js'

const hold = (fields: Partial<ClaimedTask>) => makeTaskContext(makeClaimedTask(fields)).context
const ofBytes = (bytes: number) => hold({ payload: 'x'.repeat(bytes / 2) })

describe(TasksInHand.name, () => {
  it('has room for as many tasks as fit, each as large as the largest of the last claim', () => {
    const inHand = new TasksInHand(1_000)
    inHand.add([ofBytes(100), ofBytes(300)])
    expect([inHand.count, inHand.room]).toEqual([2, 2])
    inHand.add([ofBytes(50)])
    expect(inHand.room).toBe(11)
    inHand.add([ofBytes(600)])
    expect(inHand.room).toBe(0)
  })

  it('counts stored answers', () => {
    const inHand = new TasksInHand(1_000)
    inHand.add([hold({ payload: '', attempt: null, storedAnswer: makeStoredAnswer({ body: Buffer.alloc(400) }) })])
    expect(inHand.room).toBe(1)
  })

  it('has room again when a task has ended, and for any task when there is none', () => {
    const inHand = new TasksInHand(1_000)
    const huge = ofBytes(5_000)
    const small = ofBytes(10)
    inHand.add([small, huge])
    expect(inHand.room).toBe(0)
    inHand.remove(huge)
    inHand.remove(huge)
    inHand.add([ofBytes(90)])
    expect(inHand.room).toBe(10)
    inHand.remove(small)
    expect(inHand.count).toBe(1)
    expect(new TasksInHand(1).room).toBe(Number.POSITIVE_INFINITY)
  })
})
