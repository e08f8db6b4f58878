import { classifyError, LlmClient, type LlmAnswer, type LlmCall, type RawAnswer, type SendResult } from '#libs/kernel'
import type { ChatSender } from '../chat/chat.sender.js'
import { parseAnswer } from '../chat/parse-answer.js'
import type { ContextWindows } from '../context-windows.js'
import { makeOpenAiChatBody } from './openai-chat.request.js'
import type { OpenAiSettings } from './openai.settings.js'

interface OpenAiCompatibleClientParts {
  readonly settings: OpenAiSettings
  readonly sender: ChatSender
  readonly contextWindows: ContextWindows
  readonly maxAnswerBytes: number
  readonly close: () => Promise<void>
}

/** Chat with any endpoint that speaks OpenAI's `/chat/completions`. One send is one request, or none at all. */
export class OpenAiCompatibleClient extends LlmClient {
  readonly provider = 'openai'
  private readonly authorization: string | undefined

  constructor(private readonly parts: OpenAiCompatibleClientParts) {
    super()
    const { apiKey } = parts.settings
    this.authorization = apiKey === undefined ? undefined : `Bearer ${apiKey}`
  }

  async send(call: LlmCall, signal: AbortSignal): Promise<SendResult> {
    const { sender, settings } = this.parts
    let body: string
    try {
      body = makeOpenAiChatBody(call, settings)
    } catch (error) {
      return { kind: 'not_sent', error: classifyError(error) }
    }
    return sender.send(call, body, { authorization: this.authorization, signal })
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
