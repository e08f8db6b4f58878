import { z } from 'zod'
import { defineSettings, envInteger, SettingsError, type SettingsProblem } from '#libs/config'
import type { ExchangeLimits } from './http/exchange.js'
import { gigaChatEnv, makeGigaChatSettings, type GigaChatSettings } from './gigachat/gigachat.settings.js'
import { makeOpenAiSettings, openAiEnv, type OpenAiSettings } from './openai/openai.settings.js'

export interface LlmSettings {
  /** undefined: not configured. At least one provider is. */
  readonly gigachat: GigaChatSettings | undefined
  readonly openai: OpenAiSettings | undefined
  /** Their names. */
  readonly providers: readonly string[]
  /** Calls in flight for one credential, over all replicas; also the most connections of this replica. */
  readonly maxStreams: number
  readonly connectTimeoutMs: number
  readonly limits: ExchangeLimits
  readonly contextWindows: ReadonlyMap<string, number>
}

const MIB = 1_024 * 1_024
const AUTH_TIMEOUT_MS = 10_000
const timeout = (fallback: number) => envInteger({ min: 1, max: 3_600_000 }).default(fallback)

/** `model=tokens`, comma-separated. */
const contextWindows = z.string().transform((text, context) => {
  const windows = new Map<string, number>()
  for (const item of text.split(',')) {
    const [, model, tokens] = /^\s*([^=]+?)\s*=\s*([1-9]\d{0,8})\s*$/.exec(item) ?? []
    if (model === undefined) {
      context.addIssue({ code: 'custom', message: `must be a list of model=tokens (got "${item}")` })
      return z.NEVER
    }
    windows.set(model, Number(tokens))
  }
  return windows
})

const schema = z.object({
  ...gigaChatEnv,
  ...openAiEnv,
  SLUICE_PROFILE: z.enum(['dev', 'staging', 'prod']).default('dev'),
  LLM_MAX_STREAMS: envInteger({ min: 1, max: 100_000 }).optional(),
  LLM_CONNECT_TIMEOUT_MS: timeout(10_000),
  LLM_FIRST_BYTE_TIMEOUT_MS: timeout(120_000),
  LLM_IDLE_TIMEOUT_MS: timeout(30_000),
  LLM_CALL_TIMEOUT_MS: timeout(120_000),
  LLM_MAX_ANSWER_BYTES: envInteger({ min: 1_024, max: 256 * MIB }).default(32 * MIB),
  LLM_CONTEXT_WINDOWS: contextWindows.optional(),
})

export const llmSettings = defineSettings(schema, {
  name: 'llm',
  make: (env): LlmSettings => {
    const problems: SettingsProblem[] = []
    const gigachat = makeGigaChatSettings(env, { authTimeoutMs: AUTH_TIMEOUT_MS, problems })
    const openai = makeOpenAiSettings(env, problems)
    if (problems.length === 0 && !gigachat && !openai) {
      problems.push({ setting: 'GIGACHAT_CREDENTIALS', problem: 'is missing, and so is OPENAI_BASE_URL: no provider is configured' })
    }
    if (env.SLUICE_PROFILE === 'prod') problems.push(...unverified(gigachat, 'GIGACHAT'), ...unverified(openai, 'OPENAI'))
    if (problems.length > 0) throw new SettingsError(problems)
    const forOnePerson = gigachat?.credentials.kind === 'key' && gigachat.credentials.scope === 'GIGACHAT_API_PERS'
    return {
      gigachat,
      openai,
      providers: [...(gigachat ? ['gigachat'] : []), ...(openai ? ['openai'] : [])],
      maxStreams: env.LLM_MAX_STREAMS ?? (forOnePerson ? 1 : 10),
      connectTimeoutMs: env.LLM_CONNECT_TIMEOUT_MS,
      limits: {
        firstByteTimeoutMs: env.LLM_FIRST_BYTE_TIMEOUT_MS,
        idleTimeoutMs: env.LLM_IDLE_TIMEOUT_MS,
        callTimeoutMs: env.LLM_CALL_TIMEOUT_MS,
        maxAnswerBytes: env.LLM_MAX_ANSWER_BYTES,
      },
      contextWindows: env.LLM_CONTEXT_WINDOWS ?? new Map(),
    }
  },
})

function unverified(provider: GigaChatSettings | OpenAiSettings | undefined, prefix: string): SettingsProblem[] {
  if (!provider || provider.tls.verify) return []
  const problem = `must be true where SLUICE_PROFILE is prod; set ${prefix}_CA_BUNDLE_FILE to the root certificate instead`
  return [{ setting: `${prefix}_VERIFY_SSL_CERTS`, problem }]
}
