import { LlmClient, TaskError, type Clock, type LlmAnswer, type LlmCall, type RawAnswer, type SendResult } from '#libs/kernel'
import { ChatObserver } from '../chat/chat-observer.js'
import { classifyExchange } from '../chat/classify-exchange.js'
import { parseAnswer } from '../chat/parse-answer.js'
import type { ContextWindows } from '../context-windows.js'
import type { Endpoint } from '../http/exchange.js'
import type { HttpEndpoint } from '../http/http-endpoint.js'
import { untilAborted } from '../http/until-aborted.js'
import type { AccessTokens } from './access-tokens.js'
import { makeChatBody } from './chat-request.js'
import { GIGACHAT_ERRORS } from './gigachat-error.table.js'
import type { GigaChatSettings } from './gigachat.settings.js'

export const GIGACHAT_ENDPOINT: Endpoint = { name: 'GigaChat', settingsPrefix: 'GIGACHAT' }

interface GigaChatClientParts {
  readonly settings: GigaChatSettings
  readonly http: HttpEndpoint
  readonly tokens: AccessTokens
  readonly contextWindows: ContextWindows
  readonly maxAnswerBytes: number
  readonly clock: Clock
}

/** Chat with GigaChat, API v1. One send is one request, or none at all; the client never repeats it. Owns its connections. */
export class GigaChatClient extends LlmClient {
  readonly provider = 'gigachat'
  private readonly path: string

  constructor(private readonly parts: GigaChatClientParts) {
    super()
    this.path = `${parts.settings.baseUrl.pathname.replace(/\/$/, '')}/chat/completions`
  }

  async send(call: LlmCall, signal: AbortSignal): Promise<SendResult> {
    const { tokens, http, settings, maxAnswerBytes, clock } = this.parts
    let token: string | undefined
    try {
      const current = tokens.current()
      token = typeof current === 'object' ? await untilAborted(current, signal) : current
    } catch (error) {
      return { kind: 'not_sent', error: error as TaskError }
    }
    const observer = call.stream ? new ChatObserver() : undefined
    const request = { method: 'POST', path: this.path, headers: makeHeaders(call, token), body: makeChatBody(call, settings) } as const
    const outcome = await http.exchange(request, signal, observer)
    const result = classifyExchange(outcome, {
      rows: GIGACHAT_ERRORS,
      endpoint: GIGACHAT_ENDPOINT,
      call,
      stream: observer?.stream,
      maxAnswerBytes,
      nowMs: clock.nowMs(),
    })
    if (result.kind === 'refused' && result.error.code === 'llm_unauthorized' && token !== undefined) tokens.reject(token)
    return result
  }

  parse(answer: RawAnswer): LlmAnswer {
    return parseAnswer(answer, this.parts.maxAnswerBytes)
  }

  contextWindow(model: string): number | undefined {
    return this.parts.contextWindows.of(model)
  }

  /** Ends the calls in flight. */
  async close(): Promise<void> {
    await Promise.all([this.parts.http.close(), this.parts.tokens.close()])
  }
}

function makeHeaders(call: LlmCall, token: string | undefined): string[] {
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
  if (token !== undefined) headers.push('authorization', `Bearer ${token}`)
  if (call.sessionId !== undefined) headers.push('x-session-id', call.sessionId)
  if (call.stream) headers.push('cache-control', 'no-store')
  return headers
}
