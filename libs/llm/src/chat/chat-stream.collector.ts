import { SseParser, type SseEvent } from '../sse/sse.parser.js'
import { firstChoice, isObject, type JsonObject } from './chat-completion.js'
import { readProviderError, type ProviderError } from './provider-error.js'

const DONE = '[DONE]'

/**
 * Puts a streamed chat answer together from its bytes.
 *
 * open     -> finished  an event with a `finish_reason`: all of the text has come, usage may follow
 * any      -> done      `[DONE]`
 * any      -> failed    an event that is an error or not JSON; what follows is ignored
 */
export class ChatStreamCollector {
  private readonly parser = new SseParser()
  private readonly pieces: string[] = []
  private ended = false
  private failed: ProviderError | undefined
  finishReason: string | undefined
  model: string | undefined
  usage: unknown

  push(bytes: Uint8Array): void {
    for (const event of this.parser.push(bytes)) this.take(event)
  }

  /** What has come of the text so far. */
  get text(): string {
    return this.pieces.join('')
  }

  get error(): ProviderError | undefined {
    return this.failed
  }

  /** Nothing more can come. */
  get done(): boolean {
    return this.ended || this.failed !== undefined
  }

  /** The answer is whole, also where the server leaves out `[DONE]`. */
  get complete(): boolean {
    return this.failed === undefined && (this.ended || this.finishReason !== undefined)
  }

  private take({ data }: SseEvent): void {
    if (this.done) return
    if (data.trim() === DONE) {
      this.ended = true
      return
    }
    const body = parseJson(data)
    if (body === undefined || !('choices' in body)) {
      // Events without choices that are not errors (pings, notes) mean nothing to us.
      this.failed = body === undefined ? { status: undefined, message: 'an event that is not JSON' } : readProviderError(body)
      return
    }
    this.add(body)
  }

  private add(body: JsonObject): void {
    if (typeof body.model === 'string') this.model = body.model
    if (isObject(body.usage)) this.usage = body.usage
    const choice = firstChoice(body)
    if (!choice) return
    if (choice.text !== '') this.pieces.push(choice.text)
    this.finishReason = choice.finishReason ?? this.finishReason
  }
}

function parseJson(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
