import { randomBytes } from 'node:crypto'
import type { Scope } from '../settings.schema.js'
import type { StreamGate } from '../streams/stream.gate.js'

/** Who calls: one client id with one scope. */
export interface Credential {
  readonly clientId: string
  readonly scope: Scope
  readonly gate: StreamGate
}

interface IssuedToken {
  readonly credential: Credential
  expiresAtMs: number
}

export type TokenLookup = Credential | 'expired' | 'unknown'

/** Recorded replies are 1,279 bytes long, which leaves this for the token. */
const TOKEN_BYTES = 924
/** Old tokens are kept so that they answer "expired" and not "unknown"; above this many the oldest are forgotten. */
const KEPT_TOKENS = 10_000

/** Keyed by the whole Authorization header: the hot path then needs no slice and one Map lookup. */
export class TokenStore {
  readonly #tokens = new Map<string, IssuedToken>()

  issue(credential: Credential, expiresAtMs: number): string {
    const token = randomBytes(TOKEN_BYTES).toString('base64url')
    this.#tokens.set(`Bearer ${token}`, { credential, expiresAtMs })
    if (this.#tokens.size > KEPT_TOKENS) this.#forgetOldest()
    return token
  }

  lookUp(authorization: string): TokenLookup {
    const issued = this.#tokens.get(authorization)
    if (issued === undefined) return 'unknown'
    return issued.expiresAtMs > Date.now() ? issued.credential : 'expired'
  }

  /** As after a rotation of keys on the server: all tokens answer "Token has expired" from now on. */
  revokeAll(): number {
    let revoked = 0
    const now = Date.now()
    for (const issued of this.#tokens.values()) {
      if (issued.expiresAtMs > now) revoked++
      issued.expiresAtMs = 0
    }
    return revoked
  }

  #forgetOldest(): void {
    const oldest = this.#tokens.keys().next()
    if (oldest.done !== true) this.#tokens.delete(oldest.value)
  }
}
