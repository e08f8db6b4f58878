import { TASK_LIMITS } from '#libs/contracts'
import { z } from 'zod'

const name = z.string().regex(TASK_LIMITS.namePattern, 'must be 1 to 64 of A-Z a-z 0-9 . _ -')
const streams = z.number().int().min(1).max(100_000)

const perMinute = z.number().positive().max(1e12)
const amount = z.number().positive().max(1e15)

/** Of 1,000 tokens, in whatever money the budgets are in. */
const price = z.strictObject({ prompt_per_1k: z.number().nonnegative(), completion_per_1k: z.number().nonnegative() })

const model = z.strictObject({
  max_streams: streams.optional(),
  requests_per_minute: perMinute.optional(),
  tokens_per_minute: perMinute.optional(),
  price: price.optional(),
})

const credential = z.strictObject({
  max_streams: streams.optional(),
  requests_per_minute: perMinute.optional(),
  tokens_per_minute: perMinute.optional(),
  models: z.record(z.string().min(1).max(128), model).default({}),
})

const tenant = z.strictObject({
  weight: z.number().positive().max(1_000).default(1),
  max_streams: streams.optional(),
  budget: z.strictObject({ tokens_per_day: amount.optional(), money_per_day: amount.optional() }).optional(),
})

/** LIMITS_FILE: what providers allow, by provider and model, and how tenants share it. */
export const limitsFileSchema = z.strictObject({
  credentials: z.record(name, credential).default({}),
  tenants: z.record(name, tenant).default({}),
})

export type LimitsFile = z.output<typeof limitsFileSchema>
