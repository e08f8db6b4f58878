import type { Clock, LlmCall, SendResult } from '#libs/kernel'
import type { Endpoint } from '../http/exchange.js'
import type { HttpEndpoint } from '../http/http-endpoint.js'
import { ChatObserver } from './chat-observer.js'
import { classifyExchange } from './classify-exchange.js'
import type { ErrorRow } from './error-table.js'
import { RequestIdCheck } from './request-id.check.js'

interface ChatSenderParts {
  readonly http: HttpEndpoint
  readonly path: string
  readonly endpoint: Endpoint
  readonly errors: readonly ErrorRow[]
  readonly maxAnswerBytes: number
  /** See RequestIdCheck. */
  readonly foreignIdAllowance: number
  readonly clock: Clock
}

/** Sends one chat request and says how that ended: what all providers with this shape of API have in common. */
export class ChatSender {
  private readonly idCheck: RequestIdCheck

  constructor(private readonly parts: ChatSenderParts) {
    this.idCheck = new RequestIdCheck(parts.foreignIdAllowance)
  }

  async send(
    call: LlmCall,
    body: string,
    { authorization, signal }: { authorization: string | undefined; signal: AbortSignal },
  ): Promise<SendResult> {
    const { http, path, endpoint, errors: rows, maxAnswerBytes, clock } = this.parts
    const observer = new ChatObserver(call.attemptId, this.idCheck)
    const { checkMaySend: checkMayWrite } = call
    const request = {
      method: 'POST',
      path,
      headers: makeHeaders(call, authorization),
      body,
      ...(checkMayWrite && { checkMayWrite }),
    } as const
    const outcome = await http.exchange(request, signal, observer)
    return classifyExchange(outcome, { rows, endpoint, call, stream: observer.stream, maxAnswerBytes, nowMs: clock.nowMs() })
  }
}

function makeHeaders(call: LlmCall, authorization: string | undefined): string[] {
  const headers = [
    'content-type',
    'application/json',
    'accept',
    call.stream ? 'text/event-stream' : 'application/json',
    'accept-encoding',
    'identity',
    'user-agent',
    'sluice',
    'x-request-id',
    call.attemptId,
  ]
  if (authorization !== undefined) headers.push('authorization', authorization)
  if (call.sessionId !== undefined) headers.push('x-session-id', call.sessionId)
  if (call.stream) headers.push('cache-control', 'no-store')
  return headers
}
