import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFERRAL_CLASSES, type DeferralClass } from '#libs/kernel'
import { chooseDelay } from './choose-delay.js'

const fresh = { deferralClass: null, deferrals: 0 }
const options = { deferralClass: 'provider_error', scheduleOf: () => [1_000, 5_000], task: fresh, random: () => 1 } as const

const scheduleOfClass = (name: DeferralClass) => (name === 'payment' ? [7] : [1_000])

describe(chooseDelay.name, () => {
  it.each([
    [0, 1_000],
    [1, 5_000],
    [9, 5_000],
  ])('takes the step of the schedule after %i deferrals of the same class in a row: %i ms', (deferrals, delayMs) => {
    expect(chooseDelay({}, { ...options, task: { deferralClass: 'provider_error', deferrals } })).toBe(delayMs)
  })

  it('begins the schedule of a class anew after one of another class', () => {
    expect(chooseDelay({}, { ...options, task: { deferralClass: 'rate_limited', deferrals: 7 } })).toBe(1_000)
  })

  it('lies between half of the step and all of it, by chance', () => {
    const delays = [0, 0.5, 1].map((chance) => chooseDelay({}, { ...options, random: () => chance }))
    expect(delays).toEqual([500, 750, 1_000])
  })

  it('is never sooner than the other side asked for', () => {
    expect(chooseDelay({ retryAfterMs: 60_000 }, options)).toBe(60_000)
    expect(chooseDelay({ retryAfterMs: 10 }, options)).toBe(1_000)
  })

  it('asks for the schedule of the class', () => {
    expect(chooseDelay({}, { ...options, scheduleOf: scheduleOfClass, deferralClass: 'payment' })).toBe(7)
  })

  it('is nothing at a handover, so that another replica takes the task at once', () => {
    expect(chooseDelay({ retryAfterMs: 60_000 }, { ...options, deferralClass: 'handover' })).toBe(0)
  })

  it('lies within its step for any schedule, unless the other side asked for more', () => {
    const chance = fc.double({ min: 0, max: 1, noNaN: true })
    const scheduleOf = fc.array(fc.integer({ min: 1, max: 86_400_000 }), { minLength: 1, maxLength: 6 })
    const asked = fc.option(fc.nat({ max: 86_400_000 }), { nil: undefined })
    const classes = fc.constantFrom(...DEFERRAL_CLASSES.filter((name) => name !== 'handover'))
    fc.assert(
      fc.property(scheduleOf, fc.nat({ max: 20 }), chance, asked, classes, (schedule, deferrals, random, retryAfterMs, deferralClass) => {
        const task = { deferralClass, deferrals }
        const delayMs = chooseDelay({ retryAfterMs }, { deferralClass, scheduleOf: () => schedule, task, random: () => random })
        const step = schedule[Math.min(deferrals, schedule.length - 1)]!
        expect(Number.isSafeInteger(delayMs)).toBe(true)
        expect(delayMs).toBeGreaterThanOrEqual(Math.max(Math.floor(step / 2), retryAfterMs ?? 0))
        expect(delayMs).toBeLessThanOrEqual(Math.max(step, retryAfterMs ?? 0))
      }),
    )
  })
})
