import { defineSettings } from '#libs/config'
import type { DeferralSchedules } from '#libs/kernel'
import { z } from 'zod'
import { findScheduleProblem } from './schedule.check.js'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

function envSchedule(defaults: readonly number[]) {
  return z
    .string()
    .transform((text, context): readonly number[] => {
      const steps = text.split(',').map((step) => (/^\s*\d{1,9}\s*$/.test(step) ? Number(step) : Number.NaN))
      const problem = steps.some(Number.isNaN)
        ? `must be a comma-separated list of milliseconds that do not get shorter, each at most 24 h (got "${text}")`
        : findScheduleProblem(steps)
      if (problem === undefined) return steps
      context.addIssue({ code: 'custom', message: problem })
      return z.NEVER
    })
    .default(defaults)
}

/** How long tasks wait, by class of error. What a task type says for itself goes before it. */
export const deferralSettings = defineSettings(
  z.object({
    DEFERRAL_RATE_LIMITED_MS: envSchedule([2 * SECOND, 10 * SECOND, 30 * SECOND, 2 * MINUTE, 5 * MINUTE]),
    DEFERRAL_PROVIDER_DOWN_MS: envSchedule([5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE]),
    DEFERRAL_PROVIDER_ERROR_MS: envSchedule([10 * SECOND, MINUTE, 10 * MINUTE, HOUR]),
    DEFERRAL_BAD_ANSWER_MS: envSchedule([10 * SECOND, MINUTE, 10 * MINUTE, HOUR]),
    DEFERRAL_PAYMENT_MS: envSchedule([10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR]),
    DEFERRAL_AUTH_MS: envSchedule([30 * SECOND, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE]),
    DEFERRAL_STORAGE_DOWN_MS: envSchedule([5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE]),
    DEFERRAL_LEDGER_DOWN_MS: envSchedule([2 * SECOND, 10 * SECOND, 30 * SECOND, MINUTE]),
    DEFERRAL_ROLLOUT_MS: envSchedule([10 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE]),
    DEFERRAL_INTERNAL_MS: envSchedule([5 * SECOND, MINUTE, 10 * MINUTE, HOUR]),
  }),
  {
    name: 'deferral',
    make: (env): DeferralSchedules => ({
      rate_limited: env.DEFERRAL_RATE_LIMITED_MS,
      provider_down: env.DEFERRAL_PROVIDER_DOWN_MS,
      provider_error: env.DEFERRAL_PROVIDER_ERROR_MS,
      bad_answer: env.DEFERRAL_BAD_ANSWER_MS,
      payment: env.DEFERRAL_PAYMENT_MS,
      auth: env.DEFERRAL_AUTH_MS,
      storage_down: env.DEFERRAL_STORAGE_DOWN_MS,
      ledger_down: env.DEFERRAL_LEDGER_DOWN_MS,
      rollout: env.DEFERRAL_ROLLOUT_MS,
      internal: env.DEFERRAL_INTERNAL_MS,
    }),
  },
)
