import { isObject, type JsonObject } from './chat-completion.js'

/** What a provider said about an error, in any of the shapes that are met. */
export interface ProviderError {
  readonly status: number | undefined
  readonly message: string
  /** OpenAI's `code` or `type`, such as `context_length_exceeded`. */
  readonly reason?: string
}

/**
 * Reads `{status, message}` (GigaChat), `{code, message}` (its token endpoint), `{status_code, message}` (inside a stream),
 * `{error: {message, type, code}}` (OpenAI) and `{detail}` (FastAPI). undefined: not an error.
 */
export function readProviderError(body: unknown): ProviderError | undefined {
  if (!isObject(body) || 'choices' in body) return undefined
  const { error } = body
  if (typeof error === 'string') return { status: statusOf(body), message: error }
  if (isObject(error)) return openAiError(error)
  const status = statusOf(body)
  const message = text(body.message) ?? text(body.detail)
  return status === undefined && message === undefined ? undefined : { status, message: message ?? '' }
}

function openAiError(error: JsonObject): ProviderError {
  const reason = text(error.code) ?? text(error.type)
  return { status: statusOf(error), message: text(error.message) ?? '', ...(reason !== undefined && { reason }) }
}

function statusOf(body: JsonObject): number | undefined {
  for (const name of ['status', 'status_code', 'code']) {
    const value = body[name]
    if (typeof value === 'number' && value >= 400 && value < 600) return value
  }
  return undefined
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
