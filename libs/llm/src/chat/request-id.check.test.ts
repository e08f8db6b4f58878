import { describe, expect, it } from 'vitest'
import { RequestIdCheck } from './request-id.check.js'

describe(RequestIdCheck.name, () => {
  it('accepts our own id, and none', () => {
    const check = new RequestIdCheck(1)
    expect([check.fits('a', 'a'), check.fits('a', undefined)]).toEqual([true, true])
  })

  it('refuses the id of another request', () => {
    expect(new RequestIdCheck(1).fits('a', 'b')).toBe(false)
  })

  it('goes along with a gateway that makes up its own ids', () => {
    const check = new RequestIdCheck(2)
    expect(Array.from({ length: 5 }, (_, index) => check.fits('a', `own-${index}`))).toEqual([false, false, true, true, true])
  })

  it('never refuses where ids are not known to come back', () => {
    expect(new RequestIdCheck(0).fits('a', 'b')).toBe(true)
  })

  it('believes in one more wrong id for each thousand right ones', () => {
    const check = new RequestIdCheck(0)
    for (let count = 0; count < 1_000; count++) check.fits('a', 'a')
    expect([check.fits('a', 'b'), check.fits('a', 'b')]).toEqual([false, true])
  })
})
