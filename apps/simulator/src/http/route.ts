import { NO_FACTS, type CallFacts, type Endpoint } from './call.facts.js'
import type { Exchange } from './exchange.js'
import type { Reply } from './reply.js'

/** A request that was read and understood: facts for the fault rules, and the way to its answer. */
export interface PreparedCall {
  readonly facts: CallFacts
  readonly latencyMs: number
  /** Makes the answer, after the latency. A refusal is a reply too. */
  answer(): Reply
}

export interface Route {
  readonly endpoint: Endpoint
  /** Takes one of the credential's streams while it runs. */
  readonly takesStream: boolean
  /** Needs no bearer token. */
  readonly open?: boolean
  /** Reads the request; a refusal is returned as a reply and is sent without latency. */
  prepare(exchange: Exchange, parameter: string): PreparedCall | Reply
}

/** For routes without prompt and model latency. */
export function makePlainRoute(endpoint: Endpoint, answer: (exchange: Exchange, parameter: string) => Reply): Route {
  return {
    endpoint,
    takesStream: false,
    prepare: (exchange, parameter) => ({ facts: NO_FACTS, latencyMs: 0, answer: () => answer(exchange, parameter) }),
  }
}
