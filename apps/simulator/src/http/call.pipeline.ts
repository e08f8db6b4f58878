import { TLSSocket } from 'node:tls'
import type { Exchange } from './exchange.js'
import { serveFaultyCall } from '../faults/faulty.call.js'
import { drawLatencyMs } from '../latency.js'
import { deliver } from './reply.delivery.js'
import { makeErrorReply, type WholeReply } from './reply.js'
import type { TokenLookup } from '../oauth/token.store.js'
import type { RouteMatch } from './router.js'

/** What every call goes through: token, stream, reading, latency, answer. Any step may end it with a refusal. */
export function serveCall(exchange: Exchange, { route, parameter }: RouteMatch): void {
  if (route.open !== true) {
    const refusal = authenticate(exchange)
    if (refusal !== undefined) return deliver(exchange, refusal)
  }
  if (route.takesStream && !exchange.enterStream()) return deliver(exchange, makeErrorReply(429, 'Too many requests'))
  const prepared = route.prepare(exchange, parameter)
  if ('kind' in prepared) return deliver(exchange, prepared)
  const { simulation, record } = exchange
  const target = { endpoint: route.endpoint, path: record.path, credential: record.credential, facts: prepared.facts }
  const { latency, fault } = simulation.faults.choose(target, simulation.random)
  const latencyMs = latency === undefined ? prepared.latencyMs : drawLatencyMs(latency.latency, simulation.random)
  if (fault !== undefined) return serveFaultyCall(exchange, prepared, fault, latencyMs)
  exchange.after(latencyMs, () => deliver(exchange, prepared.answer()))
}

function authenticate(exchange: Exchange): WholeReply | undefined {
  const { simulation, request, record } = exchange
  const { authorization } = request.headers
  const found = authorization === undefined ? findCertificateOwner(exchange) : simulation.tokens.lookUp(authorization)
  if (found === 'expired') return makeErrorReply(401, 'Token has expired')
  if (found === 'unknown') return makeErrorReply(401, 'Unauthorized')
  exchange.credential = found
  record.credential = found.clientId
  return undefined
}

/** Stands with mutual TLS know a client by its certificate and need no token. */
function findCertificateOwner({ simulation, request }: Exchange): TokenLookup {
  if (!(request.socket instanceof TLSSocket) || !request.socket.authorized) return 'unknown'
  const name = request.socket.getPeerCertificate().subject?.CN
  const clientId = typeof name === 'string' ? name : 'certificate'
  return { clientId, scope: 'GIGACHAT_API_CORP', gate: simulation.gates.gateOf(clientId, 'GIGACHAT_API_CORP') }
}
