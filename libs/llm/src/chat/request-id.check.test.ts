import { describe, expect, it } from 'vitest'
import { RequestIdCheck } from './request-id.check.js'

function trustedCheck(): RequestIdCheck {
  const check = new RequestIdCheck()
  for (let count = 0; count < 20; count++) check.fits('a', 'a')
  return check
}

describe(RequestIdCheck.name, () => {
  it('refuses the id of another request when the server has always given our ids back', () => {
    expect(trustedCheck().fits('a', 'b')).toBe(false)
  })

  it('accepts any id from a server that makes up its own', () => {
    const check = new RequestIdCheck()
    expect(Array.from({ length: 30 }, (_, index) => check.fits('a', `own-${index}`))).not.toContain(false)
  })

  it('accepts an answer without an id', () => {
    expect(trustedCheck().fits('a', undefined)).toBe(true)
  })

  it('stops to refuse when the server goes on giving other ids', () => {
    const check = trustedCheck()
    expect([check.fits('a', 'b'), check.fits('a', 'c')]).toEqual([false, true])
  })
})
