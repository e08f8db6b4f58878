import { NO_FACTS } from '../http/call.facts.js'
import { headerOf, type Exchange } from '../http/exchange.js'
import { makeJsonReply, type WholeReply } from '../http/reply.js'
import type { Route } from '../http/route.js'
import { isUuidV4 } from '../identifiers.js'
import { SCOPES, type Scope, type SimulatorSettings } from '../settings.schema.js'
import { parseBasicCredentials, type ClientPair } from './basic-credentials.js'
import { makeOauthRefusal, type OauthRefusal } from './oauth.refusal.js'

/** `POST /api/v2/oauth`. */
export const oauthRoute: Route = {
  endpoint: 'oauth',
  takesStream: false,
  open: true,
  prepare(exchange) {
    const { simulation, request, record } = exchange
    const { oauth } = simulation.settings
    simulation.bill.counters.oauthCalls++
    const client = parseBasicCredentials(request.headers.authorization, oauth.bearerAllowed)
    if (client === undefined) return makeOauthRefusal('badHeader')
    record.credential = client.clientId
    if (!isUuidV4(headerOf(request, 'rquid') ?? '')) return makeOauthRefusal('badRequestId')
    const scope = parseScope(exchange.body.toString('utf8'))
    if (!isScope(scope)) return makeOauthRefusal(scope)
    const refusal = findCredentialRefusal(client, scope, oauth)
    if (refusal !== undefined) return makeOauthRefusal(refusal)
    if (!simulation.tokenLimiter.enter(client.clientId, oauth)) return makeOauthRefusal('tooMany')
    exchange.response.once('close', () => simulation.tokenLimiter.leave(client.clientId))
    return {
      facts: NO_FACTS,
      latencyMs: oauth.latencyMs,
      answer: () => issueToken(exchange, client.clientId, scope),
    }
  },
}

/** `POST {base}/token`: user and password, on stands that are not public. Any pair is good; the reply has the old shape. */
export const passwordTokenRoute: Route = {
  endpoint: 'oauth',
  takesStream: false,
  open: true,
  prepare(exchange) {
    exchange.simulation.bill.counters.oauthCalls++
    const client = parseBasicCredentials(exchange.request.headers.authorization, false)
    if (client === undefined) return makeOauthRefusal('badHeader')
    exchange.record.credential = client.clientId
    return issueToken(exchange, client.clientId, 'GIGACHAT_API_CORP', 'tok')
  },
}

function issueToken({ simulation }: Exchange, clientId: string, scope: Scope, shape?: 'tok'): WholeReply {
  const { ttlMs, replyShape } = simulation.settings.oauth
  const expiresAtMs = Date.now() + ttlMs
  const token = simulation.tokens.issue({ clientId, scope, gate: simulation.gates.gateOf(clientId, scope) }, expiresAtMs)
  if ((shape ?? replyShape) === 'tok') return makeJsonReply({ tok: token, exp: Math.floor(expiresAtMs / 1000) })
  return makeJsonReply({ access_token: token, expires_at: expiresAtMs })
}

function parseScope(body: string): Scope | OauthRefusal {
  const scope = new URLSearchParams(body).get('scope') ?? ''
  if (scope === '') return 'emptyScope'
  return SCOPES.find((known) => known === scope) ?? 'badScope'
}

function isScope(scope: Scope | OauthRefusal): scope is Scope {
  return (SCOPES as readonly string[]).includes(scope)
}

function findCredentialRefusal(client: ClientPair, scope: Scope, oauth: SimulatorSettings['oauth']): OauthRefusal | undefined {
  if (oauth.credentials === null) return undefined
  const known = oauth.credentials.find((entry) => entry.clientId === client.clientId && entry.clientSecret === client.clientSecret)
  if (known === undefined) return 'unknownClient'
  return known.scopes.includes(scope) ? undefined : 'foreignScope'
}
