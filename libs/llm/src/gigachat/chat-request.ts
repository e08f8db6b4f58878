import type { ChatMessage } from '#libs/contracts'
import type { LlmCall } from '#libs/kernel'
import type { GigaChatSettings } from './gigachat.settings.js'

/** GigaChat takes no 0; up to this it answers deterministically. */
const MIN_TEMPERATURE = 0.001

export function makeChatBody(call: LlmCall, settings: Pick<GigaChatSettings, 'profanityCheck' | 'structuredOutput'>): string {
  const { temperature, top_p, max_tokens, repetition_penalty } = call.params
  // JSON.stringify leaves out what is undefined.
  return JSON.stringify({
    model: call.model,
    messages: withOneSystemMessage(call.messages),
    temperature: temperature === undefined ? undefined : Math.max(temperature, MIN_TEMPERATURE),
    top_p,
    max_tokens,
    repetition_penalty,
    profanity_check: settings.profanityCheck,
    stream: call.stream || undefined,
    response_format:
      settings.structuredOutput && call.responseSchema ? { type: 'json_schema', schema: call.responseSchema, strict: true } : undefined,
  })
}

/** GigaChat takes one system message, and only as the first (422 otherwise). */
function withOneSystemMessage(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  if (!messages.some(({ role }, index) => role === 'system' && index > 0)) return messages
  const system = messages.filter(({ role }) => role === 'system').map(({ content }) => content)
  return [{ role: 'system', content: system.join('\n\n') }, ...messages.filter(({ role }) => role !== 'system')]
}
