import { describe, expect, it } from 'vitest'
import { makeCall } from '../testing/factories.js'
import { makeChatBody } from './chat-request.js'

const PLAIN = { profanityCheck: undefined, structuredOutput: false }

describe(makeChatBody.name, () => {
  it('sends what was asked for and nothing else', () => {
    const call = makeCall({ params: { temperature: 0.5, top_p: 0.9, max_tokens: 10, repetition_penalty: 1.1 }, stream: true })
    expect(JSON.parse(makeChatBody(call, { ...PLAIN, profanityCheck: false }))).toEqual({
      model: 'GigaChat-2',
      messages: call.messages,
      temperature: 0.5,
      top_p: 0.9,
      max_tokens: 10,
      repetition_penalty: 1.1,
      profanity_check: false,
      stream: true,
    })
  })

  it('makes a temperature of 0 the lowest that GigaChat takes', () => {
    expect(JSON.parse(makeChatBody(makeCall({ params: { temperature: 0 } }), PLAIN))).toMatchObject({ temperature: 0.001 })
  })

  it('puts several system messages into one at the start', () => {
    const messages = [
      { role: 'system', content: 'a' },
      { role: 'user', content: 'x' },
      { role: 'system', content: 'b' },
    ] as const
    expect(JSON.parse(makeChatBody(makeCall({ messages }), PLAIN))).toMatchObject({
      messages: [
        { role: 'system', content: 'a\n\nb' },
        { role: 'user', content: 'x' },
      ],
    })
  })

  it('sends a schema only where the endpoint offers structured output', () => {
    const call = makeCall({ responseSchema: { type: 'object' } })
    expect(JSON.parse(makeChatBody(call, PLAIN))).not.toHaveProperty('response_format')
    expect(JSON.parse(makeChatBody(call, { ...PLAIN, structuredOutput: true }))).toMatchObject({
      response_format: { type: 'json_schema', schema: { type: 'object' }, strict: true },
    })
  })
})
