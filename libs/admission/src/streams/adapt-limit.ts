import type { GateState } from '#libs/kernel'

/** What a 429 leaves of the streams. */
export const LOWER_FACTOR = 0.7
/** The part of the limit that must be in use for it to grow: what is not used proves nothing. */
const USED_PART = 0.8

/**
 * How many streams the provider seems to bear (AIMD, docs/adr/0011): a 429 takes three tenths of them at once, and each `raiseEveryMs`
 * without one gives one back while they are in use. null: as many as are configured.
 */
export function adaptLimit({ adaptiveLimit, changedMs, grants }: GateState, configured: number, raiseEveryMs: number): number | null {
  if (adaptiveLimit === null || adaptiveLimit >= configured) return null
  const inUse = grants.reduce((sum, grant) => sum + grant.inUse, 0)
  if ((changedMs ?? 0) < raiseEveryMs || inUse < Math.floor(adaptiveLimit * USED_PART)) return adaptiveLimit
  return adaptiveLimit + 1 >= configured ? null : adaptiveLimit + 1
}

/** How many streams there are at the moment. */
export function limitNow(adaptiveLimit: number | null, configured: number): number {
  return adaptiveLimit === null ? configured : Math.min(adaptiveLimit, configured)
}
