const MAX_WAIT_MS = 24 * 60 * 60 * 1_000

/** `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3), in milliseconds from now; at most a day. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  const waitMs = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(0, Math.round(waitMs)), MAX_WAIT_MS)
}
