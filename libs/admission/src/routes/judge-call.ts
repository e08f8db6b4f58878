import type { ErrorCode } from '#libs/contracts'
import type { CallEnd } from '#libs/kernel'

/** Errors that say that a route does not work for anybody: so many of them in a row open its breaker. */
const AWAY: ReadonlySet<ErrorCode> = new Set([
  'llm_server_error',
  'llm_bad_response',
  'llm_unreachable',
  'llm_timeout',
  'llm_connection_lost',
  'llm_tls',
  'llm_auth_failed',
  'llm_auth_unavailable',
  // Of the last call on a stream: a token that was refused has been replaced before it.
  'llm_unauthorized',
  'llm_model_unavailable',
])

/**
 * What the end of a call says of its route. works: it has answered, be it with a refusal of this one task. away: it has not, or only with
 * an error of its own. unpaid: no call of this model is answered before somebody pays. busy: it has too many calls. exhausted: it says so
 * although its credential is down to one stream, so that fewer calls at a time are no help. nothing: the call was broken off or held back
 * by us.
 */
export type CallVerdict = 'works' | 'away' | 'unpaid' | 'busy' | 'exhausted' | 'nothing'

export function judgeCall({ kind, error }: CallEnd, { isLastStream }: { readonly isLastStream: boolean }): CallVerdict {
  if (error === undefined || kind === 'answered' || kind === 'answer_too_large') return 'works'
  if (error.code === 'llm_payment_required') return 'unpaid'
  if (error.code === 'llm_rate_limited') return isLastStream ? 'exhausted' : 'busy'
  if (AWAY.has(error.code)) return 'away'
  return kind === 'refused' ? 'works' : 'nothing'
}
