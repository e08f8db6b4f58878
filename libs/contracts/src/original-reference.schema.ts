import { z } from 'zod'

const contents = {
  store: z.literal('ledger'),
  /** Lower-case hex, of the record's value. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex'),
  /** In bytes. */
  size: z.number().int().nonnegative(),
}

/**
 * Where the value of a record lies that is too large for its dead letter: the table of the ledger and the key of its row there. It is kept for
 * `HISTORY_RETENTION_DAYS`; `sluice dead-letter original` prints it.
 */
export const originalReferenceSchema = z.discriminatedUnion('table', [
  z.object({ ...contents, table: z.literal('task'), accepted_on: z.iso.date(), id: z.number().int().positive() }),
  z.object({
    ...contents,
    table: z.literal('rejected_delivery'),
    topic: z.string().min(1),
    partition: z.number().int().nonnegative(),
    /** A decimal number: offsets do not fit a JSON number. */
    offset: z.string().regex(/^\d{1,19}$/, 'must be a decimal number'),
  }),
])

export type OriginalReference = Readonly<z.infer<typeof originalReferenceSchema>>
