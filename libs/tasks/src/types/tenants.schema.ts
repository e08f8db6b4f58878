import { TASK_LIMITS } from '#libs/contracts'
import { z } from 'zod'

const name = z.string().regex(TASK_LIMITS.namePattern, 'must be 1 to 64 of A-Z a-z 0-9 . _ - and not just "." or ".."')

const filePrefix = z
  .string()
  .regex(/^[^/\s][^\s]*\/$/, 'must be a folder of the bucket: no "/" before it, one after it, as in inputs/')
  .refine((prefix) => !prefix.split('/').includes('..'), 'must not have ".." in it')

const tenant = z.strictObject({
  file_prefixes: z.array(filePrefix).default([]),
  task_types: z.array(name).min(1).optional(),
  models: z.array(z.string().min(1)).min(1).optional(),
})

/** TENANTS_FILE: tenants by name, and topics (or "*") with the tenants that may send on them. */
export const tenantsFileSchema = z.strictObject({
  tenants: z.record(name, tenant),
  topics: z.record(z.string().min(1), z.array(name).min(1)),
})

export type TenantsFile = z.output<typeof tenantsFileSchema>
