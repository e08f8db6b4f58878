import { z } from 'zod'

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A time as a person writes it: `500ms`, `30s`, `2m`, `1h`, `1d`. Gives milliseconds. */
export const durationSchema = z.string().transform((text, context) => {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text.trim())
  if (match !== null) return Number(match[1]) * UNIT_MS[match[2]!]!
  context.addIssue({ code: 'custom', message: `must be a number with ms, s, m, h or d, as in 30s (got ${JSON.stringify(text)})` })
  return z.NEVER
})
