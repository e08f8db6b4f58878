import { z } from 'zod'
import { parseBody } from './parse-body.js'

const MAX_SECONDS = 60

const change = { actor: z.string(), reason: z.string() }
const CPU = z.strictObject({ ...change, seconds: z.number().positive().max(MAX_SECONDS, `must be at most ${MAX_SECONDS}`).default(10) })
const HEAP = z.strictObject(change)

export const parseCpuProfile = (body: unknown) => parseBody(CPU, body)
export const parseHeapSnapshot = (body: unknown) => parseBody(HEAP, body)
