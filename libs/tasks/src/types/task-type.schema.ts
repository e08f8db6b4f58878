import { modelParamsSchema, TASK_LIMITS } from '#libs/contracts'
import { z } from 'zod'
import { durationSchema } from './duration.schema.js'
import { sizeSchema } from './size.schema.js'

const DEFAULT_DEFERRAL_MS = [5_000, 30_000, 120_000, 600_000]
const DEFAULT_MAX_FILE_BYTES = 5 * 1_048_576
const MAX_FILE_BYTES = 64 * 1_048_576

const name = z.string().regex(TASK_LIMITS.namePattern, 'must be 1 to 64 of A-Z a-z 0-9 . _ -')
const modelName = z.string().min(1).max(128)

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
  deferral: z.array(durationSchema).min(1).default(DEFAULT_DEFERRAL_MS),
  on_maybe_paid: z.enum(['retry', 'hold', 'fail']).default('retry'),
  max_maybe_paid: z.number().int().min(0).max(10).default(1),
  max_file_size: sizeSchema.pipe(z.number().min(1).max(MAX_FILE_BYTES)).default(DEFAULT_MAX_FILE_BYTES),
  response_schema: z.record(z.string(), z.unknown()).optional(),
})

export type TaskTypeFile = z.output<typeof taskTypeFileSchema>
