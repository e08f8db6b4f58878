import { describe, expect, it } from 'vitest'
import type { LastAttempt } from '#libs/kernel'
import { findPhase } from './find-phase.js'

const makeAttempt = (fields: Partial<LastAttempt>): LastAttempt => ({
  number: 1,
  state: 'sending',
  openedAt: new Date(0),
  isOfHolder: true,
  ...fields,
})

describe(findPhase.name, () => {
  it.each([
    { attempt: makeAttempt({}), phase: 'calling' },
    { attempt: makeAttempt({ state: 'answered' }), phase: 'finishing' },
    { attempt: makeAttempt({ state: 'refused' }), phase: 'preparing' },
    { attempt: makeAttempt({ isOfHolder: false }), phase: 'preparing' },
    { attempt: null, phase: 'preparing' },
  ])('is $phase where the last attempt is $attempt.state of its holder: $attempt.isOfHolder', ({ attempt, phase }) => {
    expect(findPhase(attempt)).toBe(phase)
  })
})
