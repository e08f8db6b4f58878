import { classifyError, LlmClient, type LlmAnswer, type LlmCall, type RawAnswer, type SendResult } from '#libs/kernel'
import type { ChatSender } from '../chat/chat.sender.js'
import { parseAnswer } from '../chat/parse-answer.js'
import type { ContextWindows } from '../context-windows.js'
import { untilAborted } from '../http/until-aborted.js'
import type { AccessTokens } from './access-tokens.js'
import { makeChatBody } from './chat-request.js'
import type { GigaChatApi } from './gigachat.api.js'
import type { GigaChatSettings } from './gigachat.settings.js'

interface GigaChatClientParts {
  readonly settings: GigaChatSettings
  readonly sender: ChatSender
  readonly tokens: AccessTokens
  /** Everything but chat. */
  readonly api: GigaChatApi
  readonly contextWindows: ContextWindows
  readonly maxAnswerBytes: number
  readonly close: () => Promise<void>
}

/**
 * Chat with GigaChat, API v1. One send is one request, or none at all: nothing is repeated here. After a 401 the token is dropped, so
 * that the next send gets a new one.
 */
export class GigaChatClient extends LlmClient {
  readonly provider = 'gigachat'

  constructor(private readonly parts: GigaChatClientParts) {
    super()
  }

  get api(): GigaChatApi {
    return this.parts.api
  }

  async send(call: LlmCall, signal: AbortSignal): Promise<SendResult> {
    const { tokens, sender, settings } = this.parts
    let token: string | undefined
    let body: string
    try {
      const current = tokens.current()
      token = typeof current === 'object' ? await untilAborted(current, signal) : current
      body = makeChatBody(call, settings)
    } catch (error) {
      return { kind: 'not_sent', error: classifyError(error) }
    }
    const authorization = token === undefined ? undefined : `Bearer ${token}`
    const result = await sender.send(call, body, { authorization, signal })
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
  close(): Promise<void> {
    return this.parts.close()
  }
}
