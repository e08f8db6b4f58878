import { isRecord, type JsonRecord } from '../http/json.js'

export interface ChatMessage {
  readonly role: string
  readonly content: string | undefined
  readonly name: string | undefined
  readonly functionCall: unknown
  readonly attachments: readonly string[]
}

/** `function_call` of the request: whether and which function the model may call. */
export type FunctionMode = 'auto' | 'none' | { readonly name: string }

/** A request for a chat answer, whichever contract (v1, v2, batch) it came by. */
export interface ChatRequest {
  readonly model: string
  readonly messages: readonly ChatMessage[]
  readonly stream: boolean
  readonly choices: number
  readonly maxTokens: number | undefined
  readonly temperature: number | undefined
  readonly topP: number | undefined
  readonly updateIntervalMs: number
  readonly functions: readonly JsonRecord[]
  readonly functionMode: FunctionMode
  /** The JSON Schema of `response_format`. */
  readonly schema: JsonRecord | undefined
}

/** Reads a v1 body. The result is a text that says what is wrong where the shape is not a chat request at all. */
export function parseChatRequest(body: unknown): ChatRequest | string {
  if (!isRecord(body)) return 'request must be an object'
  if (typeof body.model !== 'string' || body.model === '') return 'model is required'
  if (!Array.isArray(body.messages) || body.messages.length === 0) return 'messages must not be empty'
  const messages: ChatMessage[] = []
  for (const item of body.messages as unknown[]) {
    if (!isRecord(item) || typeof item.role !== 'string') return 'message role is required'
    if (item.content !== undefined && item.content !== null && typeof item.content !== 'string') return 'message content must be a string'
    messages.push({
      role: item.role,
      content: typeof item.content === 'string' ? item.content : undefined,
      name: typeof item.name === 'string' ? item.name : undefined,
      functionCall: item.function_call ?? undefined,
      attachments: Array.isArray(item.attachments) ? item.attachments.map(String) : NO_TEXTS,
    })
  }
  return {
    model: body.model,
    messages,
    stream: body.stream === true,
    choices: typeof body.n === 'number' ? body.n : 1,
    maxTokens: numberIn(body.max_tokens),
    temperature: numberIn(body.temperature),
    topP: numberIn(body.top_p),
    updateIntervalMs: (numberIn(body.update_interval) ?? 0) * 1000,
    functions: Array.isArray(body.functions) ? body.functions.filter(isRecord) : NO_FUNCTIONS,
    functionMode: parseFunctionMode(body.function_call),
    schema: parseSchema(body.response_format),
  }
}

const NO_TEXTS: readonly string[] = []
const NO_FUNCTIONS: readonly JsonRecord[] = []

export function parseSchema(format: unknown): JsonRecord | undefined {
  return isRecord(format) && format.type === 'json_schema' && isRecord(format.schema) ? format.schema : undefined
}

function parseFunctionMode(mode: unknown): FunctionMode {
  if (isRecord(mode) && typeof mode.name === 'string') return { name: mode.name }
  return mode === 'none' ? 'none' : 'auto'
}

export function numberIn(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}
