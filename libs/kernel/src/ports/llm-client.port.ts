import type { ChatMessage, ModelParams, TokenUsage } from '#libs/contracts'
import type { TaskError } from '../task.error.js'
import type { RawAnswer } from '../task.js'

export interface LlmCall {
  /** A UUID: sent as X-Request-ID. */
  readonly attemptId: string
  readonly model: string
  readonly messages: readonly ChatMessage[]
  readonly params: ModelParams
  /** Asks the provider to stream. The answer is collected all the same. */
  readonly stream: boolean
  /** Calls with one session id may share the provider's prompt cache. */
  readonly sessionId?: string
  /** Sent where the provider offers structured output; checked by us in any case. */
  readonly responseSchema?: Readonly<Record<string, unknown>>
  /**
   * Asked again right before the first byte goes out, which may be long after `send` was called: a token and a connection are waited for, and
   * the process may stand still. Throws a TaskError where the call must not be made any more: that is `not_sent`.
   */
  readonly checkMaySend?: () => void
}

/**
 * How one send ended. answered: a complete 2xx that is not an error in disguise; its bytes must be stored before anything else.
 * refused: a complete error response. not_sent: nothing reached the socket. maybe_paid: no complete response; `partial` is what had
 * come of the text.
 */
export type SendResult =
  | { readonly kind: 'answered'; readonly answer: RawAnswer }
  | { readonly kind: 'answer_too_large'; readonly error: TaskError; readonly sizeBytes: number }
  | { readonly kind: 'refused'; readonly error: TaskError; readonly answer: RawAnswer }
  | { readonly kind: 'not_sent'; readonly error: TaskError }
  | { readonly kind: 'maybe_paid'; readonly error: TaskError; readonly partial?: string }

/** What a received answer says. */
export interface LlmAnswer {
  readonly text: string
  readonly usage: TokenUsage | undefined
  /** As the provider says it: `stop`, `length`, `blacklist`, ... Unknown ones are passed on. */
  readonly finishReason: string
  /** The model that really answered, with its build. */
  readonly model: string
}

/** One provider. It sends once and never retries: every send is an attempt of its own, written down in the ledger. */
export abstract class LlmClient {
  /** `gigachat`, `openai`, ...: what a task names as its provider. */
  abstract readonly provider: string
  /** Never throws: whatever happens is a SendResult. Aborting the signal really closes the socket. */
  abstract send(call: LlmCall, signal: AbortSignal): Promise<SendResult>
  /** Pure. Throws TaskError `llm_bad_response` or `answer_empty` when the answer is not of the provider's shape. */
  abstract parse(answer: RawAnswer): LlmAnswer
  /** The largest prompt and answer together, in tokens; undefined when the model is not known. */
  abstract contextWindow(model: string): number | undefined
}

/** All providers that are configured, by name. */
export abstract class LlmClients {
  /** Throws TaskError `model_not_allowed` when no such provider is configured. */
  abstract of(provider: string): LlmClient
  abstract readonly providers: readonly string[]
}
