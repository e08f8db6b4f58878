import { z } from 'zod'
import { envBoolean, envUrl, type SettingsProblem } from '#libs/config'
import { checkTlsFiles } from '../http/check-tls-files.js'
import type { TlsFiles } from '../http/tls.js'

/** The one place that knows where GigaChat is. `https://api.giga.chat/v1` serves the same API. */
const DEFAULT_BASE_URL = 'https://gigachat.devices.sberbank.ru/api/v1'
const DEFAULT_AUTH_URL = 'https://ngw.devices.sberbank.ru:9443/api/v2/oauth'
const DEFAULT_MODEL = 'GigaChat-2'

/** What a token is asked for with. key: the authorization key, base64 of client id and secret. */
export type TokenCredentials =
  | { readonly kind: 'key'; readonly key: string; readonly scope: string; readonly authUrl: URL }
  | { readonly kind: 'user'; readonly user: string; readonly password: string; readonly authUrl: URL }

/** token: given by hand. certificate: the client certificate is enough. */
export type GigaChatCredentials = TokenCredentials | { readonly kind: 'token'; readonly token: string } | { readonly kind: 'certificate' }

export interface GigaChatSettings {
  readonly baseUrl: URL
  readonly credentials: GigaChatCredentials
  /** For task types that name no model. */
  readonly model: string
  /** undefined: as the account is set up. */
  readonly profanityCheck: boolean | undefined
  /** Does the endpoint offer `response_format`? */
  readonly structuredOutput: boolean
  readonly authTimeoutMs: number
  readonly tls: TlsFiles
}

/** The names are those of the official SDKs. `X_FILE` may be given for each `X`: so GIGACHAT_CA_BUNDLE_FILE, GIGACHAT_CERT_FILE, GIGACHAT_KEY_FILE. */
export const gigaChatEnv = {
  GIGACHAT_CREDENTIALS: z.string().optional(),
  GIGACHAT_SCOPE: z.enum(['GIGACHAT_API_PERS', 'GIGACHAT_API_B2B', 'GIGACHAT_API_CORP']).default('GIGACHAT_API_PERS'),
  GIGACHAT_ACCESS_TOKEN: z.string().optional(),
  GIGACHAT_USER: z.string().optional(),
  GIGACHAT_PASSWORD: z.string().optional(),
  GIGACHAT_BASE_URL: envUrl('http:', 'https:').default(DEFAULT_BASE_URL),
  GIGACHAT_AUTH_URL: envUrl('http:', 'https:').default(DEFAULT_AUTH_URL),
  GIGACHAT_MODEL: z.string().default(DEFAULT_MODEL),
  GIGACHAT_PROFANITY_CHECK: envBoolean().optional(),
  GIGACHAT_STRUCTURED_OUTPUT: envBoolean().default(false),
  GIGACHAT_VERIFY_SSL_CERTS: envBoolean().default(true),
  GIGACHAT_CA_BUNDLE: z.string().optional(),
  GIGACHAT_CERT: z.string().optional(),
  GIGACHAT_KEY: z.string().optional(),
  GIGACHAT_KEY_FILE_PASSWORD: z.string().optional(),
}

const schema = z.object(gigaChatEnv)

/** undefined where nothing says who we are: GigaChat is then not configured. Adds what is wrong to `problems`. */
export function makeGigaChatSettings(
  env: z.output<typeof schema>,
  { authTimeoutMs, problems }: { authTimeoutMs: number; problems: SettingsProblem[] },
): GigaChatSettings | undefined {
  const credentials = readCredentials(env, problems)
  if (!credentials) return undefined
  const tls: TlsFiles = {
    verify: env.GIGACHAT_VERIFY_SSL_CERTS,
    ...(env.GIGACHAT_CA_BUNDLE !== undefined && { caBundle: env.GIGACHAT_CA_BUNDLE }),
    ...(env.GIGACHAT_CERT !== undefined && { cert: env.GIGACHAT_CERT }),
    ...(env.GIGACHAT_KEY !== undefined && { key: env.GIGACHAT_KEY }),
    ...(env.GIGACHAT_KEY_FILE_PASSWORD !== undefined && { keyPassword: env.GIGACHAT_KEY_FILE_PASSWORD }),
  }
  problems.push(...checkTlsFiles(tls, 'GIGACHAT'))
  return {
    baseUrl: new URL(env.GIGACHAT_BASE_URL),
    credentials,
    model: env.GIGACHAT_MODEL,
    profanityCheck: env.GIGACHAT_PROFANITY_CHECK,
    structuredOutput: env.GIGACHAT_STRUCTURED_OUTPUT,
    authTimeoutMs,
    tls,
  }
}

function readCredentials(env: z.output<typeof schema>, problems: SettingsProblem[]): GigaChatCredentials | undefined {
  if (env.GIGACHAT_ACCESS_TOKEN !== undefined) return { kind: 'token', token: env.GIGACHAT_ACCESS_TOKEN }
  if (env.GIGACHAT_CREDENTIALS !== undefined) {
    return { kind: 'key', key: env.GIGACHAT_CREDENTIALS.trim(), scope: env.GIGACHAT_SCOPE, authUrl: new URL(env.GIGACHAT_AUTH_URL) }
  }
  if (env.GIGACHAT_USER !== undefined) {
    if (env.GIGACHAT_PASSWORD === undefined) problems.push({ setting: 'GIGACHAT_PASSWORD', problem: 'is missing: GIGACHAT_USER is set' })
    const authUrl = new URL(`${env.GIGACHAT_BASE_URL.replace(/\/$/, '')}/token`)
    return { kind: 'user', user: env.GIGACHAT_USER, password: env.GIGACHAT_PASSWORD ?? '', authUrl }
  }
  return env.GIGACHAT_CERT === undefined ? undefined : { kind: 'certificate' }
}
