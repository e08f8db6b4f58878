import { z } from 'zod'

const UNIT_BYTES: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 1_024, MiB: 1_048_576 }

/** A size as a person writes it: `5MiB`, `512KiB`, `1000`. Gives bytes. */
export const sizeSchema = z.union([z.string(), z.number()]).transform((written, context) => {
  const match = /^(\d{1,12})\s*(B|KiB|MiB|)$/.exec(String(written).trim())
  if (match !== null) return Number(match[1]) * UNIT_BYTES[match[2]!]!
  context.addIssue({ code: 'custom', message: `must be a whole number with B, KiB or MiB, as in 5MiB (got ${JSON.stringify(written)})` })
  return z.NEVER
})
