import type { Exchange } from '../http/exchange.js'
import { deliver } from '../http/reply.delivery.js'
import type { Reply } from '../http/reply.js'
import type { PreparedCall } from '../http/route.js'
import { play } from '../http/write.player.js'
import type { ChosenFaults } from './fault.registry.js'
import { makeReplacement } from './replacing.faults.js'
import { spoilReply } from './spoiling.faults.js'
import { planFaultyResponse, planResponse, type ResponsePlan } from './writing.faults.js'

type DeliveryFault = NonNullable<ChosenFaults['fault']>

/** Serves one call by the rule that was chosen for it. */
export function serveFaultyCall(exchange: Exchange, prepared: PreparedCall, fault: DeliveryFault, latencyMs: number): void {
  exchange.record.fault = fault.id ?? ''
  const afterLatency = (action: (reply: Reply) => void): void => exchange.after(latencyMs, () => action(prepared.answer()))
  switch (fault.kind) {
    case 'error':
    case 'error_in_200':
    case 'html':
      return refuse(exchange, fault)
    case 'slow_headers':
      return exchange.after(latencyMs + fault.ms, () => deliver(exchange, prepared.answer()))
    case 'stall':
      if (fault.where === 'mid_body') return afterLatency((reply) => respond(exchange, planFaultyResponse(fault, reply), 'answered'))
      // Without an end nothing is scheduled: the client's going away settles the call.
      if (fault.ms > 0) exchange.after(latencyMs + fault.ms, () => deliver(exchange, prepared.answer()))
      return undefined
    case 'drop':
      if (fault.where === 'before_headers') return exchange.reset()
      return afterLatency((reply) => {
        if (fault.where === 'after_processing') exchange.reset()
        else respond(exchange, planFaultyResponse(fault, reply), 'broken')
      })
    case 'split':
    case 'drip':
    case 'gzip':
    case 'huge_body':
      return afterLatency((reply) => respond(exchange, planFaultyResponse(fault, reply), 'answered'))
    case 'coalesce':
    case 'finish_reason':
      return afterLatency((reply) => deliver(exchange, spoilReply(fault, reply)))
    case 'no_done':
    case 'stream_error':
    case 'empty_choices':
    case 'wrong_content_type':
    case 'truncated_json':
      return afterLatency((reply) => respond(exchange, planResponse(spoilReply(fault, reply)), 'broken'))
    case 'wrong_request_id':
      exchange.overrideRequestId(fault.value)
      return afterLatency((reply) => deliver(exchange, reply))
    default:
      return fault satisfies never
  }
}

function refuse(exchange: Exchange, fault: Parameters<typeof makeReplacement>[0]): void {
  exchange.record.outcome = 'refused'
  exchange.send(makeReplacement(fault))
}

function respond(exchange: Exchange, plan: ResponsePlan, outcome: 'answered' | 'broken'): void {
  if (exchange.closed) return
  exchange.start(plan.status, [...exchange.headers(plan.contentType, plan.length), ...plan.headers])
  play(exchange, {
    ...plan,
    onLast: () => {
      exchange.record.outcome = outcome
    },
  })
}
