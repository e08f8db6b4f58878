import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { makeAnswer } from '../../../../test/factories/answer.factory.js'
import { makeReceivedAnswer } from '../../../../test/factories/received-answer.factory.js'
import { WaitingAnswers, type AnswerFate } from './waiting-answers.js'

const answerOf = (bytes: number) => makeReceivedAnswer({ answer: makeAnswer('', { body: Buffer.alloc(bytes) }) })

function makeWaiting({ maxBytes = 100 } = {}) {
  let stopped = false
  const waiting = new WaitingAnswers({ maxBytes, wasAbandoned: () => stopped })
  const fates: AnswerFate[] = []
  waiting.onSettled((_, fate) => fates.push(fate))
  const hold = (bytes = 10) => {
    const storing = Promise.withResolvers<void>()
    const held = waiting.hold(answerOf(bytes), () => storing.promise)
    return { ...storing, held }
  }
  return { waiting, fates, hold, stop: () => (stopped = true) }
}

describe(WaitingAnswers.name, () => {
  it('has room until the bytes that wait reach the bound, and again when they are stored', async () => {
    const { waiting, hold, fates } = makeWaiting()
    const one = hold(60)
    expect(waiting).toMatchObject({ hasRoom: true, count: 1, sizeBytes: 60 })
    const two = hold(60)
    expect(waiting).toMatchObject({ hasRoom: false, count: 2, sizeBytes: 120 })
    one.resolve()
    await one.held
    expect(waiting).toMatchObject({ hasRoom: true, count: 1, sizeBytes: 60 })
    two.resolve()
    await two.held
    expect(waiting).toMatchObject({ count: 0, sizeBytes: 0 })
    expect(fates).toEqual(['stored', 'stored'])
  })

  it('lets what could not be stored go first, until it is stored', async () => {
    const { waiting, hold } = makeWaiting()
    const old = hold()
    expect(waiting.mustGoFirst).toBe(false)
    waiting.noteFailure()
    expect(waiting.mustGoFirst).toBe(true)
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 1)
    onTestFinished(() => void vi.restoreAllMocks())
    const later = hold()
    old.resolve()
    await old.held
    expect(waiting).toMatchObject({ mustGoFirst: false, count: 1 })
    later.resolve()
    await later.held
  })

  it('tells what was refused from what was abandoned at a stop', async () => {
    const { waiting, fates, hold, stop } = makeWaiting()
    const [refused, abandoned] = [hold(), hold()]
    refused.reject(new Error('not an answer'))
    await expect(refused.held).rejects.toThrow('not an answer')
    stop()
    abandoned.reject(new Error('stopped'))
    await expect(abandoned.held).rejects.toThrow('stopped')
    expect(fates).toEqual(['refused', 'abandoned'])
    expect(waiting).toMatchObject({ count: 0, sizeBytes: 0 })
  })

  it('gives those that have waited for long, oldest first', () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(1_000)
    onTestFinished(() => void vi.restoreAllMocks())
    const { waiting, hold } = makeWaiting()
    hold(1)
    now.mockReturnValue(2_000)
    hold(2)
    now.mockReturnValue(3_000)
    hold(3)
    expect(waiting.olderThan(1_000).map(({ received }) => received.answer.body.length)).toEqual([1, 2])
    expect(waiting.olderThan(0)).toHaveLength(3)
  })
})
