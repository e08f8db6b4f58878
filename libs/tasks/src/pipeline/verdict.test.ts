import { describe, expect, it } from 'vitest'
import { TaskError } from '#libs/kernel'
import { makeFailure } from './verdict.js'

describe(makeFailure.name, () => {
  it('says the code of its error and keeps what is known of the answer', () => {
    const error = TaskError.invalid('output_invalid', 'no JSON')
    expect(makeFailure(error)).toEqual({ outcome: 'failed', code: 'output_invalid', error, facts: {} })
    expect(makeFailure(error, { promptVersion: 'a@1' })).toMatchObject({ facts: { promptVersion: 'a@1' } })
  })
})
