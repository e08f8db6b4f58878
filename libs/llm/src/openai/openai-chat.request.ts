import type { LlmCall } from '#libs/kernel'

export function makeOpenAiChatBody(call: LlmCall, { structuredOutput }: { structuredOutput: boolean }): string {
  // JSON.stringify leaves out what is undefined.
  return JSON.stringify({
    model: call.model,
    messages: call.messages,
    ...call.params,
    stream: call.stream || undefined,
    // Without it a stream carries no usage.
    stream_options: call.stream ? { include_usage: true } : undefined,
    response_format:
      structuredOutput && call.responseSchema
        ? { type: 'json_schema', json_schema: { name: 'answer', schema: call.responseSchema, strict: true } }
        : undefined,
  })
}
