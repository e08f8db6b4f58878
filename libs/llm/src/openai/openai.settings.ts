import { z } from 'zod'
import { envBoolean, envUrl, type SettingsProblem } from '#libs/config'
import { checkTlsFiles } from '../http/check-tls-files.js'
import type { TlsFiles } from '../http/tls.js'

export interface OpenAiSettings {
  readonly baseUrl: URL
  /** undefined: the endpoint asks for none. */
  readonly apiKey: string | undefined
  /** For task types that name no model. */
  readonly model: string | undefined
  /** Does the endpoint offer `response_format: json_schema`? */
  readonly structuredOutput: boolean
  readonly tls: TlsFiles
}

export const openAiEnv = {
  OPENAI_BASE_URL: envUrl('http:', 'https:').optional(),
  OPENAI_API_KEY: z.string().optional(),
  OPENAI_MODEL: z.string().optional(),
  OPENAI_STRUCTURED_OUTPUT: envBoolean().default(false),
  OPENAI_VERIFY_SSL_CERTS: envBoolean().default(true),
  OPENAI_CA_BUNDLE: z.string().optional(),
}

const schema = z.object(openAiEnv)

/** undefined without OPENAI_BASE_URL: this provider is then not configured. Adds what is wrong to `problems`. */
export function makeOpenAiSettings(env: z.output<typeof schema>, problems: SettingsProblem[]): OpenAiSettings | undefined {
  if (env.OPENAI_BASE_URL === undefined) {
    if (env.OPENAI_API_KEY !== undefined) problems.push({ setting: 'OPENAI_BASE_URL', problem: 'is missing: OPENAI_API_KEY is set' })
    return undefined
  }
  const tls: TlsFiles = {
    verify: env.OPENAI_VERIFY_SSL_CERTS,
    ...(env.OPENAI_CA_BUNDLE !== undefined && { caBundle: env.OPENAI_CA_BUNDLE }),
  }
  problems.push(...checkTlsFiles(tls, 'OPENAI'))
  return {
    baseUrl: new URL(env.OPENAI_BASE_URL),
    apiKey: env.OPENAI_API_KEY,
    model: env.OPENAI_MODEL,
    structuredOutput: env.OPENAI_STRUCTURED_OUTPUT,
    tls,
  }
}
