import { z } from 'zod'
import { LEVEL_SCOPES, LOG_LEVELS } from '#libs/logging'
import { InvalidRequestError } from '../invalid-request.error.js'
import { parseBody } from './parse-body.js'

const MAX_MINUTES = 24 * 60

const change = { actor: z.string(), reason: z.string() }
const scope = z.enum(LEVEL_SCOPES, `must be one of ${LEVEL_SCOPES.join(', ')}`)
const name = z.string().max(256).default('')

const SET = z.strictObject({
  ...change,
  scope,
  name,
  level: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`),
  minutes: z.number().positive().max(MAX_MINUTES, `must be at most ${MAX_MINUTES}: a level goes back by itself`).default(15),
})
const CLEAR = z.strictObject({ ...change, scope, name })

export const parseSetLevel = (body: unknown) => checkName(parseBody(SET, body))
export const parseClearLevel = (body: unknown) => checkName(parseBody(CLEAR, body))

function checkName<T extends { readonly scope: string; readonly name: string }>(order: T): T {
  const { scope: kind, name: of } = order
  if (kind === 'all' && of !== '') throw new InvalidRequestError('name: must be left out, since it is for all')
  if (kind !== 'all' && of === '') throw new InvalidRequestError(`name: must name the ${kind}`)
  return order
}
