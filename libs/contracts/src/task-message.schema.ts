import { z } from 'zod'

/** What the fields of a task may hold. Sizes are in characters unless named otherwise. */
export const TASK_LIMITS = {
  /** Neither `.` nor `..`: both stand between slashes in object keys, where they mean something else. */
  taskIdPattern: /^(?!\.{1,2}$)[A-Za-z0-9._:-]{1,128}$/,
  namePattern: /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/,
  maxFiles: 32,
  maxMessages: 1_000,
  maxObjectKeyBytes: 1_024,
} as const

const name = z.string().regex(TASK_LIMITS.namePattern, 'must be 1 to 64 of A-Z a-z 0-9 . _ - and not just "." or ".."')

const message = z.object({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.string(),
})

const template = z.object({
  name,
  version: z.number().int().positive().optional(),
  variables: z.record(z.string(), z.unknown()).optional(),
})

const objectKey = z
  .string()
  .min(1)
  .refine((key) => Buffer.byteLength(key) <= TASK_LIMITS.maxObjectKeyBytes, 'must be at most 1024 bytes of UTF-8')
  .refine(
    (key) => !key.startsWith('/') && !key.split('/').includes('..') && !hasControlCharacters(key),
    'must be a plain object key without "..", a leading "/" or control characters',
  )

function hasControlCharacters(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}

const file = z.object({
  name: name.optional(),
  bucket: z.string().min(3).max(63).optional(),
  key: objectKey,
  media_type: z.string().max(255).optional(),
})

/** Unknown parameters are refused: a misspelt `max_tokens` would otherwise cost money in silence. */
export const modelParamsSchema = z.strictObject({
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  max_tokens: z.number().int().positive().optional(),
  repetition_penalty: z.number().positive().max(4).optional(),
})

/** The value of a record on a tasks topic. Unknown fields are tolerated, so that producers may be newer than the service. */
export const taskMessageSchema = z
  .object({
    task_id: z.string().regex(TASK_LIMITS.taskIdPattern, 'must be 1 to 128 of A-Z a-z 0-9 . _ : - and not just "." or ".."'),
    kind: z.string().optional(),
    type: name.optional(),
    tenant: name.optional(),
    priority: z.number().int().min(0).max(9).optional(),
    prompt: z.string().min(1).optional(),
    messages: z.array(message).min(1).max(TASK_LIMITS.maxMessages).optional(),
    template: template.optional(),
    files: z.array(file).max(TASK_LIMITS.maxFiles).optional(),
    provider: name.optional(),
    model: z.string().min(1).max(128).optional(),
    params: modelParamsSchema.optional(),
    response_schema: z.record(z.string(), z.unknown()).optional(),
    deadline: z.iso.datetime({ offset: true }).optional(),
    on_maybe_paid: z.enum(['retry', 'hold', 'fail']).optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
  })
  .refine((task) => Number(task.prompt !== undefined) + Number(task.messages !== undefined) + Number(task.template !== undefined) === 1, {
    message: 'exactly one of prompt, messages and template must be given',
  })

export type TaskMessage = z.infer<typeof taskMessageSchema>
export type ModelParams = z.infer<typeof modelParamsSchema>
export type ChatMessage = z.infer<typeof message>
export type TaskFile = z.infer<typeof file>
