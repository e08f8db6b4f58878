import { isRecord, type JsonRecord } from '../http/json.js'
import { numberIn, parseSchema, type ChatMessage, type ChatRequest, type FunctionMode } from './chat.request.js'

/** A v2 body as the same request that v1 makes, and what only v2 can get wrong. */
export interface ChatV2Request {
  readonly request: ChatRequest
  /** `storage` asks for a thread on the server. The simulator gives it an id but keeps no history. */
  readonly stateful: boolean
  readonly functionCalls: number
  readonly functionResults: number
}

/** The result is a text that says what is wrong where the shape is not a chat request at all. */
export function parseChatV2Request(body: unknown): ChatV2Request | string {
  if (!isRecord(body)) return 'request must be an object'
  if (typeof body.model !== 'string' || body.model === '') return 'model is required'
  if (!Array.isArray(body.messages) || body.messages.length === 0) return 'messages must not be empty'
  const messages: ChatMessage[] = []
  let functionCalls = 0
  let functionResults = 0
  for (const item of body.messages as unknown[]) {
    if (!isRecord(item) || typeof item.role !== 'string') return 'message role is required'
    const parts = partsOf(item.content)
    if (parts === undefined) return 'message content must be a list of parts'
    functionCalls += parts.filter((part) => 'function_call' in part).length
    functionResults += parts.filter((part) => 'function_result' in part).length
    messages.push(makeMessage(item.role, parts))
  }
  const stateful = isRecord(body.storage)
  return { request: makeRequest(body.model, messages, body), stateful, functionCalls, functionResults }
}

function makeRequest(model: string, messages: ChatMessage[], body: JsonRecord): ChatRequest {
  const options = isRecord(body.model_options) ? body.model_options : {}
  return {
    model,
    messages,
    stream: body.stream === true,
    choices: 1,
    maxTokens: numberIn(options.max_tokens),
    temperature: numberIn(options.temperature),
    topP: numberIn(options.top_p),
    updateIntervalMs: (numberIn(options.update_interval) ?? 0) * 1000,
    functions: functionsOf(body.tools),
    functionMode: parseToolConfig(body.tool_config),
    schema: parseSchema(options.response_format),
  }
}

function partsOf(content: unknown): JsonRecord[] | undefined {
  if (typeof content === 'string') return [{ text: content }]
  return Array.isArray(content) && content.every(isRecord) ? content : undefined
}

function makeMessage(role: string, parts: readonly JsonRecord[]): ChatMessage {
  return {
    role,
    content: parts.map((part) => (typeof part.text === 'string' ? part.text : '')).join(''),
    name: undefined,
    functionCall: parts.find((part) => 'function_call' in part)?.function_call,
    attachments: parts.flatMap((part) => (Array.isArray(part.files) ? part.files.filter(isRecord).map((file) => String(file.id)) : [])),
  }
}

function functionsOf(tools: unknown): JsonRecord[] {
  if (!Array.isArray(tools)) return []
  return tools.filter(isRecord).flatMap((tool) => {
    const specifications = isRecord(tool.functions) ? tool.functions.specifications : undefined
    return Array.isArray(specifications) ? specifications.filter(isRecord) : []
  })
}

function parseToolConfig(config: unknown): FunctionMode {
  if (!isRecord(config)) return 'auto'
  if (config.mode === 'forced' && typeof config.function_name === 'string') return { name: config.function_name }
  return config.mode === 'none' ? 'none' : 'auto'
}
