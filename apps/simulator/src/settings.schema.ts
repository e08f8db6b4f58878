import { z } from 'zod'
import { latencySchema } from './latency.schema.js'

export const SCOPES = ['GIGACHAT_API_PERS', 'GIGACHAT_API_B2B', 'GIGACHAT_API_CORP'] as const
export type Scope = (typeof SCOPES)[number]

const count = z.int().min(0)
const milliseconds = z.number().min(0)

const oauthSchema = z.strictObject({
  /** `access_token` + `expires_at` in ms, or the older `tok` + `exp` in seconds. */
  replyShape: z.enum(['access_token', 'tok']).default('access_token'),
  ttlMs: milliseconds.default(30 * 60_000),
  /** Requests a second per credential above which 429 is answered; 0 = no limit. */
  requestsPerSecond: count.default(10),
  /** Token requests of one credential in flight above which 429 is answered; 0 = no limit. */
  maxConcurrent: count.default(0),
  latencyMs: milliseconds.default(0),
  /** `Bearer <key>` instead of `Basic <key>`, as in the old documentation. */
  bearerAllowed: z.boolean().default(false),
  /** null: any `client_id:client_secret` is good for every scope. */
  credentials: z
    .array(z.strictObject({ clientId: z.string(), clientSecret: z.string(), scopes: z.array(z.enum(SCOPES)) }))
    .nullable()
    .default(null),
})

const streamsSchema = z.strictObject({
  /** Calls in flight per credential by scope; 0 = no limit. */
  GIGACHAT_API_PERS: count.default(1),
  GIGACHAT_API_B2B: count.default(10),
  GIGACHAT_API_CORP: count.default(10),
  /** Limits of single credentials, by client id; they win over the scope's. */
  credentials: z.record(z.string(), count).default({}),
  /** A call in flight for longer than this counts as a leaked stream. */
  leakAfterMs: milliseconds.default(60_000),
})

const chatSchema = z.strictObject({
  build: z.string().default('2.0.28.2'),
  objectName: z.enum(['chat.completion', 'chat.completions']).default('chat.completion'),
  contextTokens: count.default(131_072),
  /** Which of the two documented statuses a prompt above `contextTokens` gets. */
  contextOverflowStatus: z.union([z.literal(413), z.literal(422)]).default(422),
  /** Applied where the request says no `max_tokens`; 0 = no limit. */
  defaultMaxTokens: count.default(0),
  modelsWithoutFunctions: z.array(z.string()).default(['GigaChat-Plus']),
  /** false: `response_format` json_schema is answered 403, as on accounts without it. */
  structuredOutput: z.boolean().default(true),
  /** Models switched off "due to technical reasons", with the status that they answer. */
  switchedOff: z.record(z.string(), z.union([z.literal(403), z.literal(423)])).default({}),
  /** Tokens left by model; when they are used up the model answers 402. A model that is not listed has no budget. */
  budgets: z.record(z.string(), count).default({}),
  /** How long a session's prompt stays in the prompt cache. */
  cacheTtlMs: milliseconds.default(30_000),
})

const eventsSchema = z.strictObject({
  /** Tokens in one streamed delta. */
  tokensPerEvent: z.int().min(1).default(4),
  /** Pause between two events; 0 = all at once. */
  intervalMs: milliseconds.default(0),
})

const batchesSchema = z.strictObject({
  /** How long a batch stays `created`, then `in_progress`. */
  createdMs: milliseconds.default(100),
  inProgressMs: milliseconds.default(200),
  maxLines: count.default(500),
})

const billSchema = z.strictObject({
  /** false: only counters are kept, no record of single calls. */
  detail: z.boolean().default(true),
  /** At least half of this many last calls are kept; 350 bytes each. */
  maxRecords: z.int().min(2).default(500_000),
})

export const settingsSchema = z.strictObject({
  seed: z.int().default(1),
  /** From the accepted request to the first byte of the answer (chat and embeddings). */
  latency: latencySchema.default({ kind: 'fixed', ms: 0 }),
  maxBodyBytes: count.default(10 * 1024 * 1024),
  maxFileBodyBytes: count.default(48 * 1024 * 1024),
  oauth: oauthSchema.prefault({}),
  streams: streamsSchema.prefault({}),
  events: eventsSchema.prefault({}),
  chat: chatSchema.prefault({}),
  batches: batchesSchema.prefault({}),
  bill: billSchema.prefault({}),
})

export type SimulatorSettings = z.output<typeof settingsSchema>
/** Any part of the settings; what is left out keeps its value. */
export type SettingsPatch = z.input<typeof settingsSchema>
