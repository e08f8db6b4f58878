import { describe, expect, it } from 'vitest'
import { classifyError, describeCauses, TaskError } from '#libs/kernel'

describe(classifyError.name, () => {
  it('passes a TaskError on as it is', () => {
    const error = TaskError.invalid('tombstone', 'no value')
    expect(classifyError(error)).toBe(error)
  })

  it.each([
    ['an Error', new TypeError('x')],
    ['a text', 'x'],
    ['null', null],
    ['nothing', undefined],
  ])('makes %s a retryable internal error that keeps it as its cause', (_, thrown) => {
    const error = classifyError(thrown)
    expect(error).toMatchObject({ code: 'internal', retryable: true })
    expect(error.cause).toBe(thrown)
  })
})

describe(describeCauses.name, () => {
  it('names each error of the chain, with its code, outermost first', () => {
    const socket = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
    expect(describeCauses(new TypeError('failed', { cause: socket }))).toEqual(['TypeError: failed', 'Error [ECONNRESET]: reset'])
  })

  it('ends at a cause that is no Error, and shows it only when it is a text', () => {
    expect(describeCauses(new Error('a', { cause: 'why' }))).toEqual(['Error: a', 'why'])
    expect(describeCauses(new Error('a', { cause: { secret: 1 } }))).toEqual(['Error: a', 'object'])
  })

  it('ignores a code that is no text', () => {
    expect(describeCauses(Object.assign(new Error('a'), { code: 42 }))).toEqual(['Error: a'])
  })

  it.each([undefined, null])('is empty for %s', (nothing) => {
    expect(describeCauses(nothing)).toEqual([])
  })

  it('ends after eight causes when a chain goes in a circle', () => {
    const error = new Error('round')
    error.cause = error
    expect(describeCauses(error)).toHaveLength(8)
  })
})
