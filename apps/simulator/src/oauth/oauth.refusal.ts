import { makeJsonReply, type WholeReply } from '../http/reply.js'

/**
 * The OAuth service has its own error shape and its own codes. Texts and codes marked (assumed) are not in any source: only their
 * statuses are documented.
 */
const REFUSALS = {
  badScope: { status: 400, code: 1, message: 'scope data format invalid' },
  emptyScope: { status: 400, code: 5, message: 'scope is empty' },
  foreignScope: { status: 400, code: 7, message: 'scope from db not fully includes consumed scope' },
  /** (assumed) */
  badRequestId: { status: 400, code: 2, message: 'RqUID header is missing or is not a uuid4' },
  badHeader: { status: 401, code: 4, message: "Can't decode 'Authorization' header" },
  unknownClient: { status: 401, code: 6, message: "credentials doesn't match db data" },
  /** (assumed) */
  tooMany: { status: 429, code: 429, message: 'Too Many Requests' },
} as const

export type OauthRefusal = keyof typeof REFUSALS

export function makeOauthRefusal(refusal: OauthRefusal): WholeReply {
  const { status, code, message } = REFUSALS[refusal]
  return makeJsonReply({ code, message }, status)
}
