const MAX_MS = 3_600_000

/** Retry-After as seconds or as a date (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after), at most an hour. */
export function parseRetryAfter(text: string | undefined, nowMs: number = Date.now()): number | undefined {
  if (text === undefined) return undefined
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(0, waitMs), MAX_MS)
}
