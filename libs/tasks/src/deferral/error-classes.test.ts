import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '#libs/contracts'
import { DEFERRAL_CLASSES } from '#libs/kernel'
import { classOf, ERROR_CLASSES, SPENDING_CLASSES, spendsAttempt } from './error-classes.js'

const refused = { state: 'refused' } as const

describe('ERROR_CLASSES', () => {
  it('says of every error code which class it waits in, or that it is final', () => {
    expect(Object.keys(ERROR_CLASSES).toSorted()).toEqual([...ERROR_CODES].toSorted())
  })

  it('uses every class', () => {
    const used = new Set(Object.values(ERROR_CLASSES))
    expect(DEFERRAL_CLASSES.filter((name) => !used.has(name))).toEqual([])
  })
})

describe(classOf.name, () => {
  it('takes an error that is final everywhere else for a defect', () => {
    expect(classOf({ code: 'llm_bad_request' })).toBe('internal')
  })
})

describe(spendsAttempt.name, () => {
  it('is true only for errors that may be of the task’s own making', () => {
    const retryable = ERROR_CODES.filter((code) => ERROR_CLASSES[code] !== null)
    expect(retryable.filter((code) => spendsAttempt({ code }, refused))).toEqual([
      'llm_server_error',
      'llm_bad_response',
      'llm_timeout',
      'llm_connection_lost',
      'maybe_paid',
      'internal',
    ])
  })

  it('is false for a provider’s error where nothing was sent', () => {
    expect(spendsAttempt({ code: 'llm_connection_lost' }, { state: 'not_sent' })).toBe(false)
    expect(spendsAttempt({ code: 'llm_timeout' }, undefined)).toBe(false)
  })

  it('is true for our own defects also where nothing was sent, or they would repeat for ever', () => {
    expect(spendsAttempt({ code: 'internal' }, { state: 'not_sent' })).toBe(true)
    expect(spendsAttempt({ code: 'internal' }, undefined)).toBe(true)
  })

  it('is true for some error of each class that takes the single schedule of a task type', () => {
    const spending = new Set(ERROR_CODES.filter((code) => spendsAttempt({ code }, refused)).map((code) => classOf({ code })))
    expect([...spending].toSorted()).toEqual(SPENDING_CLASSES.toSorted())
  })
})
