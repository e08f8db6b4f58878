import { z } from 'zod'

/** `files` is where a template finds the texts of its task's files; the others mean something to Liquid. */
const RESERVED_NAMES = ['files', 'true', 'false', 'nil', 'null', 'empty', 'blank', 'forloop']

const variableName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, 'must be 1 to 64 letters, digits and _, a letter first')
  .refine((name) => !RESERVED_NAMES.includes(name), `must not be one of ${RESERVED_NAMES.join(', ')}`)

const variable = z.strictObject({
  type: z.enum(['string', 'number', 'boolean', 'list', 'object']),
  description: z.string().optional(),
  /** A variable with a default is not required; one without, which is not required either, is empty. */
  required: z.boolean().optional(),
  default: z.unknown().optional(),
  /** Characters of a string, items of a list. */
  max_length: z.number().int().positive().optional(),
})

/** One version of a prompt template: PROMPTS_DIR/<name>/<version>.yaml. `system` and `user` are Liquid. */
export const promptTemplateFileSchema = z.strictObject({
  description: z.string().optional(),
  variables: z.record(variableName, variable).default({}),
  system: z.string().min(1).optional(),
  user: z.string().min(1),
})

export type PromptTemplateFile = z.output<typeof promptTemplateFileSchema>
export type VariableDeclaration = z.output<typeof variable>
