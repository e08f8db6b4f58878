import { answerTo, type PromptReading } from '../expected-answer.js'
import type { JsonRecord } from '../http/json.js'
import { charactersOfTokens, countTokens } from '../token-count.js'
import type { ChatRequest } from './chat.request.js'
import { makeJsonOfSchema } from './json-of-schema.js'

export interface ModelAnswer {
  readonly content: string
  readonly finishReason: 'stop' | 'length' | 'blacklist' | 'function_call'
  readonly functionCall: { readonly name: string; readonly arguments: JsonRecord } | undefined
  readonly completionTokens: number
  /** What a reasoning model thought before. */
  readonly reasoning: string | undefined
}

/** The "model": a pure function of the request. */
export function answerChat(request: ChatRequest, reading: PromptReading, defaultMaxTokens: number): ModelAnswer {
  const functionName = chooseFunction(request, reading)
  if (functionName !== undefined) return callFunction(request, reading, functionName)
  const wanted =
    request.schema === undefined || reading.markers.json !== undefined ? answerTo(reading) : structuredAnswer(request.schema, reading)
  const maxTokens = request.maxTokens ?? defaultMaxTokens
  const cut = maxTokens > 0 && countTokens(wanted.length) > maxTokens
  const content = cut ? wanted.slice(0, charactersOfTokens(maxTokens)).toWellFormed() : wanted
  return {
    content,
    finishReason: finishReasonOf(reading, cut),
    functionCall: undefined,
    completionTokens: countTokens(content.length),
    reasoning: reasoningOf(request, reading),
  }
}

export function promptTokensOf(request: ChatRequest, reading: PromptReading): number {
  let tokens = countTokens(reading.characters) + request.messages.length
  if (request.functions.length > 0) tokens += countTokens(JSON.stringify(request.functions).length)
  return tokens
}

function chooseFunction({ functionMode }: ChatRequest, { markers }: PromptReading): string | undefined {
  if (functionMode === 'none') return undefined
  return typeof functionMode === 'object' ? functionMode.name : markers.functionName
}

function callFunction(request: ChatRequest, reading: PromptReading, name: string): ModelAnswer {
  const declared = request.functions.find((candidate) => candidate.name === name)
  const parameters = declared?.parameters as JsonRecord | undefined
  const values = parameters === undefined ? {} : (makeJsonOfSchema(parameters, reading.digest) as JsonRecord)
  const completionTokens = countTokens(name.length + JSON.stringify(values).length)
  return {
    content: '',
    finishReason: 'function_call',
    functionCall: { name, arguments: values },
    completionTokens,
    reasoning: reasoningOf(request, reading),
  }
}

function structuredAnswer(schema: JsonRecord, reading: PromptReading): string {
  return JSON.stringify(makeJsonOfSchema(schema, answerTo(reading)))
}

function finishReasonOf({ markers }: PromptReading, cut: boolean): ModelAnswer['finishReason'] {
  if (cut || markers.length) return 'length'
  return markers.blacklist ? 'blacklist' : 'stop'
}

function reasoningOf({ model }: ChatRequest, { digest }: PromptReading): string | undefined {
  return model.endsWith('-Reasoning') ? `Thinking about #${digest}` : undefined
}
