import { makeJsonReply, type EventsReply, type WholeReply } from '../http/reply.js'
import type { SimulatorSettings } from '../settings.schema.js'
import type { CompletedChat, Usage } from './chat.call.js'
import { makeDeltas, pace } from './delta.splitter.js'

export function makeV2Reply(chat: CompletedChat, nextId: () => string, threadId: string | undefined): WholeReply {
  return makeJsonReply({ ...headOf(chat, threadId), messages: messagesOf(chat, nextId), ...tailOf(chat) })
}

/** Named events and no `[DONE]`. A function call comes only with the last event. */
export function makeV2Events(
  chat: CompletedChat,
  settings: SimulatorSettings,
  nextId: () => string,
  threadId: string | undefined,
): EventsReply {
  const head = headOf(chat, threadId)
  const pacing = pace(settings.events, chat.request.updateIntervalMs)
  const { functionCall, content } = chat.answer
  const deltas = functionCall === undefined ? makeDeltas(content, pacing.tokensPerEvent) : []
  const events = deltas.map((text) => event('response.message.delta', { ...head, messages: [{ role: 'assistant', content: [{ text }] }] }))
  const messages = functionCall === undefined ? {} : { messages: messagesOf(chat, nextId) }
  events.push(event('response.message.done', { ...head, ...messages, ...tailOf(chat) }))
  return { kind: 'events', events, intervalMs: pacing.intervalMs }
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}

function headOf({ modelName, createdAt }: CompletedChat, threadId: string | undefined): Record<string, unknown> {
  return { model: modelName, created_at: createdAt, ...(threadId !== undefined && { thread_id: threadId }) }
}

function tailOf({ answer, usage }: CompletedChat): Record<string, unknown> {
  return { finish_reason: answer.finishReason, usage: usageOf(usage) }
}

/** The reply says `tool_state_id` where the request says `tools_state_id`. */
function messagesOf({ answer }: CompletedChat, nextId: () => string): unknown[] {
  const { functionCall, content, reasoning } = answer
  const message =
    functionCall === undefined
      ? { role: 'assistant', content: [{ text: content }] }
      : { role: 'assistant', tool_state_id: nextId(), content: [{ function_call: functionCall }] }
  return reasoning === undefined ? [message] : [{ role: 'reasoning', content: [{ text: reasoning }] }, message]
}

function usageOf({ promptTokens, completionTokens, cachedTokens }: Usage): Record<string, unknown> {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { prompt_tokens: promptTokens, cached_tokens: cachedTokens },
    output_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  }
}
