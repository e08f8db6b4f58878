import { JSON_TYPE, makeErrorReply, makeJsonReply, type WholeReply } from '../http/reply.js'
import { htmlOfStatus, messageOfStatus } from './error.bodies.js'
import type { FaultOf } from './fault.schema.js'

/** Replies that come instead of the answer. */
export function makeReplacement(fault: FaultOf<'error' | 'error_in_200' | 'html'>): WholeReply {
  switch (fault.kind) {
    case 'error':
      return makeFaultReply(fault)
    case 'error_in_200':
      return withRetryAfter({ ...makeErrorReply(fault.status, fault.message), status: 200 }, fault.retryAfter)
    case 'html':
      return { kind: 'whole', status: fault.status, contentType: 'text/html', body: htmlOfStatus(fault.status) }
    default:
      return fault satisfies never
  }
}

function makeFaultReply({ status, message, body, retryAfter }: FaultOf<'error'>): WholeReply {
  const reply = body === undefined ? makeErrorReply(status, message ?? messageOfStatus(status)) : makeCustomReply(status, body)
  return withRetryAfter(reply, retryAfter)
}

function withRetryAfter(reply: WholeReply, retryAfter: string | number | undefined): WholeReply {
  return retryAfter === undefined ? reply : { ...reply, headers: ['Retry-After', String(retryAfter)] }
}

function makeCustomReply(status: number, body: unknown): WholeReply {
  return typeof body === 'string' ? { kind: 'whole', status, contentType: JSON_TYPE, body } : makeJsonReply(body, status)
}
