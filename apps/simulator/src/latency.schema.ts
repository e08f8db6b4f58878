import { z } from 'zod'

const milliseconds = z.number().min(0)

/** All draws are clipped to at least 0. */
export const latencySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fixed'), ms: milliseconds }),
  z.strictObject({ kind: z.literal('uniform'), minMs: milliseconds, maxMs: milliseconds }),
  z.strictObject({ kind: z.literal('normal'), meanMs: milliseconds, sdMs: milliseconds }),
  z.strictObject({ kind: z.literal('lognormal'), medianMs: milliseconds, sigma: z.number().min(0) }),
])

export type Latency = z.output<typeof latencySchema>
