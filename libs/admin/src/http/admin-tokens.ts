import { hash, timingSafeEqual } from 'node:crypto'
import type { AdminHttpSettings } from './admin-http.settings.js'
import type { Permission } from './admin-policy.decorator.js'

const BEARER = /^Bearer (\S+)$/i

/** closed: no token is set that would do. unknown: this is none of ours. forbidden: it is one of ours, for something else. */
export type Judgement = 'allowed' | 'closed' | 'unknown' | 'forbidden'

/** Who may do what. A heap snapshot holds prompts and secrets, so it has a token of its own, which is good for nothing else. */
export class AdminTokens {
  constructor(private readonly settings: Pick<AdminHttpSettings, 'token' | 'heapToken'>) {}

  judge(authorization: string | undefined, permission: Permission): Judgement {
    const { token, heapToken } = this.settings
    const [needed, other] = permission === 'profile:heap' ? [heapToken, token] : [token, heapToken]
    if (needed === undefined) return 'closed'
    const given = BEARER.exec(authorization ?? '')?.[1]
    if (given === undefined) return 'unknown'
    // Both are compared in any case: how long it takes tells nothing.
    const isNeeded = isSame(given, needed)
    const isOther = other !== undefined && isSame(given, other)
    if (isNeeded) return 'allowed'
    return isOther ? 'forbidden' : 'unknown'
  }
}

function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', expected, 'buffer'))
}
