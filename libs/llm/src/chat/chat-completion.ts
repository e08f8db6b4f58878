import type { TokenUsage } from '#libs/contracts'

/** The parts of a chat completion that we read; GigaChat v1 and OpenAI-compatible endpoints share them. Anything may be missing. */
export interface ChatCompletion {
  readonly model?: unknown
  readonly choices?: unknown
  readonly usage?: unknown
}

export interface ChatChoice {
  readonly text: string
  readonly finishReason: string | undefined
}

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The first choice of a whole answer (`message`) or of a piece of a stream (`delta`). undefined: the answer has none. */
export function firstChoice({ choices }: ChatCompletion): ChatChoice | undefined {
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
  if (!isObject(choice)) return undefined
  const message = choice.message ?? choice.delta
  const content = isObject(message) ? message.content : undefined
  const finish = choice.finish_reason
  return {
    // A built-in function reports its progress as content of its own role.
    text: isObject(message) && message.role === 'function_in_progress' ? '' : contentText(content),
    finishReason: typeof finish === 'string' ? finish : undefined,
  }
}

/** OpenAI-compatible servers may answer in parts. */
function contentText(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part: unknown) => (isObject(part) && typeof part.text === 'string' ? part.text : '')).join('')
}

/** GigaChat says `precached_prompt_tokens`, the others `prompt_tokens_details.cached_tokens`. */
export function readUsage(usage: unknown): TokenUsage | undefined {
  if (!isObject(usage)) return undefined
  const prompt = tokens(usage.prompt_tokens)
  const completion = tokens(usage.completion_tokens)
  if (prompt === undefined && completion === undefined) return undefined
  const details = usage.prompt_tokens_details
  const cached = tokens(usage.precached_prompt_tokens) ?? (isObject(details) ? tokens(details.cached_tokens) : undefined)
  return {
    prompt_tokens: prompt ?? 0,
    completion_tokens: completion ?? 0,
    total_tokens: tokens(usage.total_tokens) ?? (prompt ?? 0) + (completion ?? 0),
    ...(cached !== undefined && { precached_prompt_tokens: cached }),
  }
}

function tokens(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}
