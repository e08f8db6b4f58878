import { z } from 'zod'
import { TaskError } from '#libs/kernel'

/** Throws TaskError `llm_bad_response` that names the fields, never their values. */
export function readReply<T>(schema: z.ZodType<T>, reply: unknown): T {
  const read = schema.safeParse(reply)
  if (read.success) return read.data
  const fields = read.error.issues.map(({ path }) => path.join('.') || '(all of it)').join(', ')
  throw TaskError.invalid('llm_bad_response', `GigaChat's reply has not the expected shape: ${fields}`)
}
