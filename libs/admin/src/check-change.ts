import type { Change } from '#libs/kernel'
import { InvalidRequestError } from './invalid-request.error.js'

const MAX_CHARS = 1_000

/** Nobody changes anything without a name and a reason: the audit is for whoever comes later. */
export function checkChange({ actor, reason }: Change): Change {
  const checked = { actor: actor.trim(), reason: reason.trim() }
  for (const [name, value] of Object.entries(checked)) {
    if (value === '') throw new InvalidRequestError(`${name} must not be empty: it is written down with the change`)
    if (value.length > MAX_CHARS) throw new InvalidRequestError(`${name} must have at most ${MAX_CHARS} characters (got ${value.length})`)
  }
  return checked
}
