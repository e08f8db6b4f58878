import { z } from 'zod'
import { ENDPOINTS } from '../http/call.facts.js'
import { latencySchema } from '../latency.schema.js'

const count = z.int().min(0)
const milliseconds = z.number().min(0)
const status = z.int().min(400).max(599)

/** Value of Retry-After; no header without it. */
const retryAfter = z.union([z.string(), z.number()]).optional()

const filterSchema = z.strictObject({
  /** `*` = every endpoint. */
  endpoint: z.enum([...ENDPOINTS, '*']).default('chat'),
  /** The exact path, without query. */
  path: z.string().optional(),
  model: z.string().optional(),
  /** A regular expression that must match in the texts of the prompt. */
  prompt: z.string().refine(isRegExp, 'must be a regular expression').optional(),
  /** Id of a task marker in the prompt. */
  task: z.string().optional(),
  /** Client id. */
  credential: z.string().optional(),
  stream: z.boolean().optional(),
})

const common = {
  id: z.string().min(1).optional(),
  /** Of the calls that pass the filter, how many are hit. */
  probability: z.number().min(0).max(1).default(1),
  /** Let so many matching calls through first. */
  skip: count.default(0),
  /** Hit at most so many calls; without it the rule stays until it is deleted. */
  count: count.optional(),
  filter: filterSchema.prefault({}),
}

export const faultSchema = z.discriminatedUnion('kind', [
  /** Another latency; goes together with one rule of another kind. */
  z.strictObject({ ...common, kind: z.literal('latency'), latency: latencySchema }),

  // Instead of the answer: the call is not paid.
  z.strictObject({
    ...common,
    kind: z.literal('error'),
    status,
    /** Default: the documented text of the status. */
    message: z.string().optional(),
    /** Sent instead of the usual body; a string goes out as it is. */
    body: z.unknown().optional(),
    retryAfter,
  }),
  z.strictObject({
    ...common,
    kind: z.literal('error_in_200'),
    status: status.default(429),
    message: z.string().default('Too many requests'),
    retryAfter,
  }),
  z.strictObject({ ...common, kind: z.literal('html'), status: z.int().min(200).max(599).default(502) }),

  // Around the answer.
  z.strictObject({ ...common, kind: z.literal('slow_headers'), ms: milliseconds }),
  z.strictObject({
    ...common,
    kind: z.literal('stall'),
    where: z.enum(['before_headers', 'mid_body']),
    /** 0 = until the client gives up. */
    ms: milliseconds.default(0),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('drop'),
    /** `before_headers`: before any work (not paid). `after_processing`: the answer exists and is paid, but no byte of it is sent. */
    where: z.enum(['before_headers', 'mid_body', 'after_processing']),
    /** For `mid_body`: bytes of the body that are sent; default half. */
    atByte: count.optional(),
  }),

  // How the bytes go out. The answer is whole.
  z.strictObject({
    ...common,
    kind: z.literal('split'),
    /** Offsets in the body where one write ends and the next begins. */
    at: z.array(z.int().min(1)).optional(),
    /** Or: every write has so many bytes. */
    bytes: z.int().min(1).default(1),
    gapMs: milliseconds.default(1),
  }),
  z.strictObject({ ...common, kind: z.literal('coalesce'), events: z.int().min(2).default(1_000_000) }),
  z.strictObject({ ...common, kind: z.literal('drip'), bytes: z.int().min(1).default(1), everyMs: milliseconds.default(1000) }),
  z.strictObject({
    ...common,
    kind: z.literal('gzip'),
    /** Fills the answer up to this size before it is packed: a bomb. */
    answerBytes: count.max(256 * 1024 * 1024).default(0),
  }),
  z.strictObject({ ...common, kind: z.literal('huge_body'), bytes: count.max(4 * 1024 * 1024 * 1024) }),

  // A spoiled answer. It is paid.
  z.strictObject({ ...common, kind: z.literal('no_done') }),
  z.strictObject({
    ...common,
    kind: z.literal('stream_error'),
    afterEvents: count.default(1),
    status: status.default(500),
    message: z.string().default('Internal Server Error'),
  }),
  z.strictObject({ ...common, kind: z.literal('empty_choices') }),
  z.strictObject({ ...common, kind: z.literal('wrong_content_type'), contentType: z.string().default('text/html') }),
  z.strictObject({ ...common, kind: z.literal('truncated_json'), atByte: count.optional() }),
  z.strictObject({ ...common, kind: z.literal('finish_reason'), value: z.string() }),
  z.strictObject({ ...common, kind: z.literal('wrong_request_id'), value: z.string().default('00000000-0000-4000-8000-000000000000') }),
])

export type Fault = z.output<typeof faultSchema>
export type FaultInput = z.input<typeof faultSchema>
export type FaultOf<K extends Fault['kind']> = Extract<Fault, { kind: K }>

function isRegExp(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp
  } catch {
    return false
  }
}
