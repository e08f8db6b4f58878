import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '#libs/contracts'
import { TaskError } from '#libs/kernel'
import { chooseDelay, spendsAttempt } from './deferral-policy.js'

const makeError = (code: TaskError['code'], retryAfterMs?: number) =>
  new TaskError(code, 'x', { retryable: true, ...(retryAfterMs !== undefined && { retryAfterMs }) })
const schedule = { scheduleMs: [1_000, 5_000], random: () => 1 }

describe(spendsAttempt.name, () => {
  it('is false only for errors that are nobody of the task’s making', () => {
    expect(ERROR_CODES.filter((code) => !spendsAttempt(makeError(code)))).toEqual([
      'template_not_found',
      'llm_unauthorized',
      'llm_payment_required',
      'llm_model_unavailable',
      'llm_rate_limited',
      'llm_unreachable',
      'llm_tls',
      'llm_auth_failed',
      'llm_auth_unavailable',
      'storage_unavailable',
      'storage_forbidden',
      'ledger_unavailable',
      'queue_unavailable',
      'route_closed',
      'quota_exhausted',
      'shutdown',
      'lease_lost',
    ])
  })
})

describe(chooseDelay.name, () => {
  it.each([
    [0, 1_000],
    [1, 1_000],
    [2, 5_000],
    [9, 5_000],
  ])('takes the step of the schedule after %i sends: %i ms', (sends, delayMs) => {
    expect(chooseDelay(makeError('llm_server_error'), { ...schedule, sends })).toBe(delayMs)
  })

  it('lies between half of the step and all of it, by chance', () => {
    const delays = [0, 0.5, 1].map((chance) => chooseDelay(makeError('llm_timeout'), { ...schedule, sends: 1, random: () => chance }))
    expect(delays).toEqual([500, 750, 1_000])
  })

  it('is never sooner than the other side asked for', () => {
    expect(chooseDelay(makeError('llm_rate_limited', 60_000), { ...schedule, sends: 1 })).toBe(60_000)
    expect(chooseDelay(makeError('llm_rate_limited', 10), { ...schedule, sends: 1 })).toBe(1_000)
  })

  it('is a second where the schedule is empty', () => {
    expect(chooseDelay(makeError('llm_timeout'), { scheduleMs: [], sends: 1, random: () => 1 })).toBe(1_000)
  })

  it.each(['shutdown', 'lease_lost'] as const)('is nothing after %s, so that another replica takes the task at once', (code) => {
    expect(chooseDelay(makeError(code, 60_000), { ...schedule, sends: 5 })).toBe(0)
  })

  it('lies within its step for any schedule, unless the other side asked for more', () => {
    const chance = fc.double({ min: 0, max: 1, noNaN: true })
    const scheduleOf = fc.array(fc.integer({ min: 1, max: 86_400_000 }), { minLength: 1, maxLength: 6 })
    const asked = fc.option(fc.nat({ max: 86_400_000 }), { nil: undefined })
    fc.assert(
      fc.property(scheduleOf, fc.nat({ max: 20 }), chance, asked, (scheduleMs, sends, random, retryAfterMs) => {
        const delayMs = chooseDelay(makeError('llm_timeout', retryAfterMs), { scheduleMs, sends, random: () => random })
        const step = scheduleMs[Math.min(Math.max(sends - 1, 0), scheduleMs.length - 1)]!
        expect(Number.isSafeInteger(delayMs)).toBe(true)
        expect(delayMs).toBeGreaterThanOrEqual(Math.max(Math.floor(step / 2), retryAfterMs ?? 0))
        expect(delayMs).toBeLessThanOrEqual(Math.max(step, retryAfterMs ?? 0))
      }),
    )
  })
})
