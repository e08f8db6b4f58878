import { isRecord } from '../http/json.js'
import { findModel } from '../models/model.catalogue.js'
import type { SimulatorSettings } from '../settings.schema.js'
import { countTokens } from '../token-count.js'
import type { ChatMessage, ChatRequest } from './chat.request.js'
import { findFunctionProblem } from './function.validation.js'

export interface Problem {
  readonly status: number
  readonly message: string
}

/** What the validation needs to know beside the request. */
export interface ChatRules {
  readonly chat: SimulatorSettings['chat']
  /** Whether a file with this id was uploaded. */
  hasFile(id: string): boolean
  /** Tokens left of the model's budget; undefined = it has none. */
  tokensLeft(model: string): number | undefined
}

const ROLES = new Set(['system', 'user', 'assistant', 'function', 'tool', 'reasoning', 'search_result', 'function_in_progress'])

/** The documented refusals, in the order in which the gateway would meet them. */
export function findChatProblem(request: ChatRequest, characters: number, rules: ChatRules): Problem | undefined {
  const { chat } = rules
  if (findModel(request.model, 'chat') === undefined) return { status: 404, message: 'No such model' }
  const switchedOff = chat.switchedOff[request.model]
  if (switchedOff !== undefined) {
    return { status: switchedOff, message: `Model ${request.model} is temporarily unavailable due to technical reasons` }
  }
  const tokensLeft = rules.tokensLeft(request.model)
  if (tokensLeft !== undefined && tokensLeft <= 0) return { status: 402, message: 'Payment Required' }
  if (request.schema !== undefined && !chat.structuredOutput) return { status: 403, message: 'Permission denied' }
  if (chat.contextTokens > 0 && countTokens(characters) > chat.contextTokens) return contextOverflow(characters, chat)
  return findMessageProblem(request.messages, rules) ?? findParameterProblem(request) ?? findFunctionsProblem(request, chat)
}

function contextOverflow(characters: number, chat: SimulatorSettings['chat']): Problem {
  if (chat.contextOverflowStatus === 422) return { status: 422, message: 'Unprocessable Entity' }
  return { status: 413, message: `Tokens limit exceeded: ${countTokens(characters)} (max ${chat.contextTokens})` }
}

function findMessageProblem(messages: readonly ChatMessage[], rules: ChatRules): Problem | undefined {
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index]!
    if (!ROLES.has(message.role)) return invalid(`Invalid params: unknown role ${message.role}`)
    if (message.role === 'system' && index > 0) return invalid('Invalid params: system message must be the first message')
    if (message.role === 'function') {
      const problem = findFunctionResultProblem(message, messages[index - 1])
      if (problem !== undefined) return problem
    }
    const missing = message.attachments.find((id) => !rules.hasFile(id))
    if (missing !== undefined) return { status: 404, message: `No such file: ${missing}` }
  }
  return undefined
}

function findFunctionResultProblem(message: ChatMessage, previous: ChatMessage | undefined): Problem | undefined {
  if (previous?.role !== 'assistant' || !isRecord(previous.functionCall)) {
    return invalid('Invalid params: function message must follow an assistant message with function_call')
  }
  try {
    JSON.parse(message.content ?? '')
    return undefined
  } catch {
    return invalid(`INVALID_PARAMS: invalid function result ${message.name ?? ''}: JSON parse error`)
  }
}

function findParameterProblem({ temperature, topP, maxTokens, choices }: ChatRequest): Problem | undefined {
  if (temperature !== undefined && (temperature < 0 || temperature > 2)) return invalid('Invalid params: temperature must be in (0, 2]')
  if (topP !== undefined && (topP < 0 || topP > 1)) return invalid('Invalid params: top_p must be in [0, 1]')
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens > 0))
    return invalid('Invalid params: max_tokens must be positive')
  return choices >= 1 && choices <= 4 ? undefined : invalid('Invalid params: n must be in [1, 4]')
}

function findFunctionsProblem(request: ChatRequest, chat: SimulatorSettings['chat']): Problem | undefined {
  if (request.functions.length === 0) return undefined
  if (chat.modelsWithoutFunctions.includes(request.model)) return invalid('Requested model does not support functions')
  for (const declared of request.functions) {
    const problem = findFunctionProblem(declared)
    if (problem !== undefined) return invalid(problem)
  }
  return undefined
}

function invalid(message: string): Problem {
  return { status: 422, message }
}
