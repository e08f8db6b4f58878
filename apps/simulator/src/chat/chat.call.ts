import { readPrompt, type PromptReading } from '../expected-answer.js'
import type { Exchange } from '../http/exchange.js'
import { headerOf } from '../http/exchange.js'
import { makeErrorReply, type Reply } from '../http/reply.js'
import type { PreparedCall } from '../http/route.js'
import { drawLatencyMs } from '../latency.js'
import type { Simulation } from '../simulation.js'
import { answerChat, promptTokensOf, type ModelAnswer } from './chat.model.js'
import type { ChatRequest } from './chat.request.js'
import { findChatProblem } from './chat.validation.js'

export interface Usage {
  readonly promptTokens: number
  readonly completionTokens: number
  readonly cachedTokens: number
}

/** An answer with all that a contract (v1, v2, batch) needs to write it down. */
export interface CompletedChat {
  readonly answer: ModelAnswer
  readonly usage: Usage
  /** `alias:build`, never the alias that was asked for. */
  readonly modelName: string
  readonly createdAt: number
  readonly request: ChatRequest
}

/** The part of a chat call that the contracts share: read, check, wait, answer, write on the bill. */
export function prepareChat(
  exchange: Exchange,
  request: ChatRequest | string,
  format: (chat: CompletedChat) => Reply,
): PreparedCall | Reply {
  if (typeof request === 'string') return makeErrorReply(422, `Invalid params: ${request}`)
  const { record, simulation } = exchange
  const reading = readPrompt(request.messages)
  record.model = request.model
  record.stream = request.stream
  record.tasks = copyTexts(reading.markers.tasks)
  const problem = findChatProblem(request, reading.characters, simulation.chatRules)
  if (problem !== undefined) return makeErrorReply(problem.status, problem.message)
  return {
    facts: { model: request.model, stream: request.stream, tasks: record.tasks, promptText: () => joinTexts(request) },
    latencyMs: reading.markers.latencyMs ?? drawLatencyMs(simulation.settings.latency, simulation.random),
    answer: () => {
      const chat = completeChat(simulation, request, reading, headerOf(exchange.request, 'x-session-id'))
      record.promptTokens = chat.usage.promptTokens
      record.completionTokens = chat.usage.completionTokens
      record.paid = true
      return format(chat)
    },
  }
}

export function completeChat(
  simulation: Simulation,
  request: ChatRequest,
  reading: PromptReading,
  session: string | undefined,
): CompletedChat {
  const { chat } = simulation.settings
  const answer = answerChat(request, reading, chat.defaultMaxTokens)
  const promptTokens = promptTokensOf(request, reading)
  const completionTokens = answer.completionTokens * request.choices
  const cachedTokens =
    session === undefined ? 0 : simulation.promptCache.touch(`${request.model} ${session}`, joinTexts(request), chat.cacheTtlMs)
  simulation.budgets.spend(request.model, promptTokens + completionTokens)
  return {
    answer,
    usage: { promptTokens, completionTokens, cachedTokens: Math.min(cachedTokens, promptTokens) },
    modelName: `${request.model}:${chat.build}`,
    createdAt: Math.floor(Date.now() / 1000),
    request,
  }
}

function joinTexts({ messages }: ChatRequest): string {
  return messages.length === 1 ? (messages[0]?.content ?? '') : messages.map((message) => message.content ?? '').join('\n')
}

/** A slice of the prompt would keep the whole prompt in memory for as long as the bill does. */
export function copyTexts(texts: readonly string[]): readonly string[] {
  return texts.length === 0 ? NO_TEXTS : texts.map((text) => Buffer.from(text).toString())
}

const NO_TEXTS: readonly string[] = []
