import { describe, expect, it } from 'vitest'
import { SettingsError } from '#libs/config'
import { DEFERRAL_CLASSES } from '#libs/kernel'
import { deferralSettings } from './deferral.settings.js'
import { findScheduleProblem } from './schedule.check.js'

function problemOf(text: string): string {
  try {
    deferralSettings.parse({ DEFERRAL_AUTH_MS: text })
  } catch (error) {
    return (error as SettingsError).message
  }
  throw new Error('no problem was found')
}

describe('deferralSettings', () => {
  it('has a sound schedule for every class, from seconds to hours', () => {
    const schedules = deferralSettings.parse({})
    expect(Object.keys(schedules).toSorted()).toEqual(DEFERRAL_CLASSES.filter((name) => name !== 'handover').toSorted())
    expect(Object.values(schedules).map(findScheduleProblem)).toEqual(Object.values(schedules).map(() => undefined))
    expect(Math.max(...Object.values(schedules).flat())).toBe(3 * 3_600_000)
  })

  it('takes a list of milliseconds', () => {
    expect(deferralSettings.parse({ DEFERRAL_AUTH_MS: '500, 500,86400000' }).auth).toEqual([500, 500, 86_400_000])
  })

  it.each([
    ['5s', 'must be a comma-separated list of milliseconds'],
    ['1000,', 'must be a comma-separated list of milliseconds'],
    ['0,1000', 'must have steps of more than 0 and at most 24 h (got 0 ms)'],
    ['1000,86400001', 'must have steps of more than 0 and at most 24 h (got 86400001 ms)'],
    ['1000,500', 'must not have a step that is shorter than the one before it (got 500 after 1000 ms)'],
  ])('refuses %s', (text, problem) => {
    expect(problemOf(text)).toContain(`DEFERRAL_AUTH_MS: ${problem}`)
  })
})

describe(findScheduleProblem.name, () => {
  it('refuses a schedule without a step', () => {
    expect(findScheduleProblem([])).toBe('must have at least one step')
  })
})
