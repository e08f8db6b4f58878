import { JSON_TYPE, type EventsReply, type WholeReply } from '../http/reply.js'
import type { SimulatorSettings } from '../settings.schema.js'
import type { CompletedChat, Usage } from './chat.call.js'
import type { ModelAnswer } from './chat.model.js'
import { makeDeltas, pace } from './delta.splitter.js'

/** The recorded body. Written by hand: `JSON.stringify` of the whole object costs several times as much. There is no `id`. */
export function makeV1Reply(chat: CompletedChat, objectName: string, nextId: () => string): WholeReply {
  const message = messageJson(chat.answer, nextId)
  const reason = chat.answer.finishReason
  let choices = choiceJson(message, 0, reason)
  for (let index = 1; index < chat.request.choices; index++) choices += `,${choiceJson(message, index, reason)}`
  const body = `{"choices":[${choices}],${tailJson(chat, objectName)},"usage":${usageJson(chat.usage)}}`
  return { kind: 'whole', status: 200, contentType: JSON_TYPE, body }
}

/** The first delta has the role, the last has no text but finish_reason and usage; then `[DONE]`. */
export function makeV1Events(chat: CompletedChat, settings: SimulatorSettings, nextId: () => string): EventsReply {
  const tail = tailJson(chat, settings.chat.objectName)
  const { answer } = chat
  const pacing = pace(settings.events, chat.request.updateIntervalMs)
  const deltas = answer.functionCall === undefined ? makeDeltas(answer.content, pacing.tokensPerEvent) : []
  const events = deltas.map((text, index) => {
    const role = index === 0 ? ',"role":"assistant"' : ''
    return `data: {"choices":[{"delta":{"content":${JSON.stringify(text)}${role}},"index":0}],${tail}}\n\n`
  })
  const lastDelta = answer.functionCall === undefined ? '{"content":""}' : messageJson(answer, nextId)
  const last = `{"delta":${lastDelta},"index":0,"finish_reason":"${answer.finishReason}"}`
  events.push(`data: {"choices":[${last}],${tail},"usage":${usageJson(chat.usage)}}\n\n`, 'data: [DONE]\n\n')
  return { kind: 'events', events, intervalMs: pacing.intervalMs }
}

function choiceJson(message: string, index: number, reason: string): string {
  return `{"message":${message},"index":${index},"finish_reason":"${reason}"}`
}

function messageJson({ content, functionCall, reasoning }: ModelAnswer, nextId: () => string): string {
  const call = functionCall === undefined ? '' : `,"function_call":${JSON.stringify(functionCall)},"functions_state_id":"${nextId()}"`
  const thought = reasoning === undefined ? '' : `,"reasoning_content":${JSON.stringify(reasoning)}`
  return `{"content":${JSON.stringify(content)},"role":"assistant"${thought}${call}}`
}

function tailJson({ createdAt, modelName }: CompletedChat, objectName: string): string {
  return `"created":${createdAt},"model":"${modelName}","object":"${objectName}"`
}

function usageJson({ promptTokens, completionTokens, cachedTokens }: Usage): string {
  const total = promptTokens + completionTokens
  return `{"prompt_tokens":${promptTokens},"completion_tokens":${completionTokens},"total_tokens":${total},"precached_prompt_tokens":${cachedTokens}}`
}
