import { describe, expect, it } from 'vitest'
import { FileBudget } from './file.budget.js'

const NEVER = new AbortController().signal

function makeBudget(): FileBudget {
  return new FileBudget({ filesInHandBytes: 100, inlineAnswerBytes: 0, maxCrashes: 5 })
}

/** Tells in which order the takers got their share. */
function takeInTurn(budget: FileBudget, sizes: Readonly<Record<string, number>>, signal = NEVER) {
  const served: string[] = []
  const shares = Object.entries(sizes).map(async ([name, bytes]) => {
    const share = await budget.take(bytes, signal)
    served.push(name)
    return share
  })
  return { served, shares }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

describe(FileBudget.name, () => {
  it('gives what is free at once, and no more', async () => {
    const budget = makeBudget()
    const { served, shares } = takeInTurn(budget, { a: 60, b: 40, c: 1 })
    await nextTurn()
    expect([served, budget.inHandBytes]).toEqual([['a', 'b'], 100])
    ;(await shares[1]!)[Symbol.dispose]()
    await shares[2]
    expect(budget.inHandBytes).toBe(61)
  })

  it('lets nobody overtake a large task that waits', async () => {
    const budget = makeBudget()
    const { served, shares } = takeInTurn(budget, { first: 60, large: 80, small: 10 })
    await nextTurn()
    expect(served).toEqual(['first'])
    ;(await shares[0]!)[Symbol.dispose]()
    await Promise.all(shares)
    expect(served).toEqual(['first', 'large', 'small'])
  })

  it('runs a task alone that is larger than all of it', async () => {
    const budget = makeBudget()
    const { served, shares } = takeInTurn(budget, { small: 1, huge: 1_000, other: 1 })
    await nextTurn()
    expect(served).toEqual(['small'])
    ;(await shares[0]!)[Symbol.dispose]()
    const huge = await shares[1]!
    await nextTurn()
    expect([served, budget.inHandBytes]).toEqual([['small', 'huge'], 100])
    huge[Symbol.dispose]()
    await shares[2]
    expect(budget.inHandBytes).toBe(1)
  })

  it('takes a share back once', async () => {
    const budget = makeBudget()
    const share = await budget.take(30, NEVER)
    await budget.take(30, NEVER)
    share[Symbol.dispose]()
    share[Symbol.dispose]()
    expect(budget.inHandBytes).toBe(30)
  })

  it('lets a task that holds nothing pass those that wait', async () => {
    const budget = makeBudget()
    const { served } = takeInTurn(budget, { first: 100, second: 1, empty: 0 })
    await nextTurn()
    expect(served).toEqual(['first', 'empty'])
  })

  it('serves the next one when the first in the queue is aborted', async () => {
    const budget = makeBudget()
    const abort = new AbortController()
    await budget.take(60, NEVER)
    const large = budget.take(80, abort.signal)
    const small = budget.take(10, NEVER)
    abort.abort(new Error('lease lost'))
    await expect(large).rejects.toThrow('lease lost')
    await small
    expect(budget.inHandBytes).toBe(70)
  })

  it('refuses at once with the reason of an abort that has happened before', async () => {
    await expect(makeBudget().take(1, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
  })
})
