import { modelParamsSchema, TASK_LIMITS } from '#libs/contracts'
import type { ScheduledClass } from '#libs/kernel'
import { z } from 'zod'
import { findScheduleProblem } from '../deferral/schedule.check.js'
import { durationSchema } from './duration.schema.js'
import { sizeSchema } from './size.schema.js'

const DEFAULT_MAX_FILE_BYTES = 5 * 1_048_576
const MAX_FILE_BYTES = 64 * 1_048_576

const name = z.string().regex(TASK_LIMITS.namePattern, 'must be 1 to 64 of A-Z a-z 0-9 . _ - and not just "." or ".."')
const modelName = z.string().min(1).max(128)

const schedule = z.array(durationSchema).check((context) => {
  const problem = findScheduleProblem(context.value)
  if (problem !== undefined) context.issues.push({ code: 'custom', message: problem, input: context.value })
})

const schedules = z.strictObject({
  rate_limited: schedule.optional(),
  provider_down: schedule.optional(),
  provider_error: schedule.optional(),
  bad_answer: schedule.optional(),
  payment: schedule.optional(),
  auth: schedule.optional(),
  storage_down: schedule.optional(),
  ledger_down: schedule.optional(),
  rollout: schedule.optional(),
  internal: schedule.optional(),
} satisfies Record<ScheduledClass, unknown>)

/** One file of TASK_TYPES_DIR. docs: task-types/prompt.yaml shows every field. */
export const taskTypeFileSchema = z.strictObject({
  name: name.optional(),
  description: z.string().optional(),
  tenants: z.array(name).min(1).optional(),
  provider: name.optional(),
  model: modelName.optional(),
  allowed_models: z.array(modelName).min(1).optional(),
  params: modelParamsSchema.optional(),
  max_tokens_limit: z.number().int().positive().optional(),
  template: z.strictObject({ name, version: z.number().int().positive().optional() }).optional(),
  stream: z.boolean().default(false),
  ordering: z.enum(['none', 'key']).default('none'),
  max_attempts: z.number().int().min(1).max(100).default(5),
  deferral: schedule.optional(),
  deferral_by_class: schedules.default({}),
  on_maybe_paid: z.enum(['retry', 'hold', 'fail']).default('retry'),
  max_maybe_paid: z.number().int().min(0).max(10).default(1),
  max_file_size: sizeSchema.pipe(z.number().min(1).max(MAX_FILE_BYTES)).default(DEFAULT_MAX_FILE_BYTES),
  response_schema: z.record(z.string(), z.unknown()).optional(),
})

export type TaskTypeFile = z.output<typeof taskTypeFileSchema>
