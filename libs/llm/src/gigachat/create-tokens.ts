import type { Clock } from '#libs/kernel'
import type { DeadlineWatch } from '../http/deadline.watch.js'
import { HttpEndpoint } from '../http/http-endpoint.js'
import { FixedAccessTokens, type AccessTokens } from './access-tokens.js'
import type { GigaChatSettings } from './gigachat.settings.js'
import { RefreshingAccessTokens } from './refreshing.access-tokens.js'
import { TokenEndpoint } from './token.endpoint.js'

/** One token request at a time, and room for one that hangs. */
const CONNECTIONS = 2
const MAX_REPLY_BYTES = 64 * 1_024

/** The caller closes what comes out. */
export function createTokens(
  { credentials, authTimeoutMs, tls }: GigaChatSettings,
  connectTimeoutMs: number,
  watch: DeadlineWatch,
  clock: Clock,
): AccessTokens {
  if (credentials.kind === 'token') return new FixedAccessTokens(credentials.token)
  if (credentials.kind === 'certificate') return new FixedAccessTokens(undefined)
  const { origin, pathname, search } = credentials.authUrl
  const endpoint = { name: "GigaChat's token endpoint", settingsPrefix: 'GIGACHAT' }
  const limits = {
    firstByteTimeoutMs: authTimeoutMs,
    idleTimeoutMs: authTimeoutMs,
    callTimeoutMs: authTimeoutMs,
    maxAnswerBytes: MAX_REPLY_BYTES,
  }
  const http = new HttpEndpoint({ origin, endpoint, maxConnections: CONNECTIONS, connectTimeoutMs, limits, tls }, watch)
  return new RefreshingAccessTokens(new TokenEndpoint(http, `${pathname}${search}`, credentials, clock), clock)
}
