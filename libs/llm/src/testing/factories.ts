import type { LlmCall } from '#libs/kernel'
import type { ExchangeLimits } from '../http/exchange.js'
import { llmSettings, type LlmSettings } from '../llm.settings.js'

export const ATTEMPT_ID = '0b0e7a52-6a62-4f0b-9d0e-0d5e2f6f8a10'

export function makeCall(call: Partial<LlmCall> = {}): LlmCall {
  return {
    attemptId: ATTEMPT_ID,
    model: 'GigaChat-2',
    messages: [{ role: 'user', content: 'Hello' }],
    params: { max_tokens: 100 },
    stream: false,
    ...call,
  }
}

/** Settings for a test: as from the environment, with limits that a test can reach. */
export function makeSettings(env: Record<string, string>, limits: Partial<ExchangeLimits> = {}): LlmSettings {
  const settings = llmSettings.parse(env)
  return { ...settings, limits: { ...settings.limits, ...limits } }
}

export const ANSWER = {
  choices: [{ message: { content: 'Привет', role: 'assistant' }, index: 0, finish_reason: 'stop' }],
  created: 1768996171,
  model: 'GigaChat:2.0.28.2',
  object: 'chat.completion',
  usage: { prompt_tokens: 17, completion_tokens: 3, total_tokens: 20, precached_prompt_tokens: 2 },
} as const

export const ANSWER_TEXT = JSON.stringify(ANSWER)

export function streamFrames(pieces: readonly string[], { finish = 'stop', done = true } = {}): string[] {
  return [
    ...pieces.map((content, index) => frame({ choices: [{ delta: { content, ...(index === 0 && { role: 'assistant' }) }, index: 0 }] })),
    frame({
      choices: [{ delta: { content: '' }, index: 0, finish_reason: finish }],
      usage: { prompt_tokens: 17, completion_tokens: pieces.length, total_tokens: 17 + pieces.length },
    }),
    ...(done ? ['data: [DONE]\n\n'] : []),
  ]
}

function frame(body: object): string {
  return `data: ${JSON.stringify({ created: 1, model: 'GigaChat:2.0.28.2', object: 'chat.completion', ...body })}\n\n`
}
