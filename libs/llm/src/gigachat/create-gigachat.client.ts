import type { Clock } from '#libs/kernel'
import { ContextWindows } from '../context-windows.js'
import type { DeadlineWatch } from '../http/deadline.watch.js'
import { HttpEndpoint } from '../http/http-endpoint.js'
import type { LlmSettings } from '../llm.settings.js'
import { FixedAccessTokens, type AccessTokens } from './access-tokens.js'
import { GIGACHAT_ENDPOINT, GigaChatClient } from './gigachat.client.js'
import type { GigaChatSettings } from './gigachat.settings.js'
import { RefreshingAccessTokens } from './refreshing.access-tokens.js'
import { TokenEndpoint } from './token.endpoint.js'

/** One token request at a time, and room for one that hangs. */
const TOKEN_CONNECTIONS = 2
const MAX_TOKEN_REPLY_BYTES = 64 * 1_024

/** The caller closes the client. */
export function createGigaChatClient(
  gigachat: GigaChatSettings,
  settings: LlmSettings,
  watch: DeadlineWatch,
  clock: Clock,
): GigaChatClient {
  const { limits, maxStreams, connectTimeoutMs } = settings
  const http = new HttpEndpoint(
    {
      origin: gigachat.baseUrl.origin,
      endpoint: GIGACHAT_ENDPOINT,
      maxConnections: maxStreams,
      connectTimeoutMs,
      limits,
      tls: gigachat.tls,
    },
    watch,
  )
  return new GigaChatClient({
    settings: gigachat,
    http,
    tokens: createTokens(gigachat, connectTimeoutMs, watch, clock),
    contextWindows: new ContextWindows(settings.contextWindows),
    maxAnswerBytes: limits.maxAnswerBytes,
    clock,
  })
}

function createTokens(
  { credentials, authTimeoutMs, tls }: GigaChatSettings,
  connectTimeoutMs: number,
  watch: DeadlineWatch,
  clock: Clock,
): AccessTokens {
  if (credentials.kind === 'token') return new FixedAccessTokens(credentials.token)
  if (credentials.kind === 'certificate') return new FixedAccessTokens(undefined)
  const http = new HttpEndpoint(
    {
      origin: credentials.authUrl.origin,
      endpoint: { name: "GigaChat's token endpoint", settingsPrefix: 'GIGACHAT' },
      maxConnections: TOKEN_CONNECTIONS,
      connectTimeoutMs,
      limits: {
        firstByteTimeoutMs: authTimeoutMs,
        idleTimeoutMs: authTimeoutMs,
        callTimeoutMs: authTimeoutMs,
        maxAnswerBytes: MAX_TOKEN_REPLY_BYTES,
      },
      tls,
    },
    watch,
  )
  const { pathname, search } = credentials.authUrl
  return new RefreshingAccessTokens(new TokenEndpoint(http, `${pathname}${search}`, credentials, clock), clock)
}
