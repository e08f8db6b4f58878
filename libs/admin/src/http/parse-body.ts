import type { z } from 'zod'
import { InvalidRequestError } from '../invalid-request.error.js'

/** Throws InvalidRequestError with everything that is wrong. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body ?? {})
  if (parsed.success) return parsed.data
  throw new InvalidRequestError(parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; '))
}
