import { isObject } from '../chat/chat-completion.js'

export interface IssuedToken {
  readonly token: string
  readonly lifetimeMs: number
}

/** Below this a time is in seconds: as milliseconds it would lie in 2001. */
const SECONDS_BELOW = 1e12
/**
 * Where the server's time of expiry lies in our past, one of the clocks is wrong. The token is used for a minute, and a 401 corrects
 * us; asking for a new one before each call would only meet the limit of the token endpoint.
 */
const LIFETIME_ON_WRONG_CLOCK_MS = 60_000

/** Both reply shapes, `{access_token, expires_at}` and `{tok, exp}`, each in milliseconds or seconds. undefined: neither. */
export function readToken(body: unknown, nowMs: number): IssuedToken | undefined {
  if (!isObject(body)) return undefined
  const token = body.access_token ?? body.tok
  const expires = body.expires_at ?? body.exp
  if (typeof token !== 'string' || token === '' || typeof expires !== 'number' || !Number.isFinite(expires)) return undefined
  const expiresAtMs = expires < SECONDS_BELOW ? expires * 1_000 : expires
  const lifetimeMs = expiresAtMs - nowMs
  return { token, lifetimeMs: lifetimeMs > 0 ? lifetimeMs : LIFETIME_ON_WRONG_CLOCK_MS }
}
