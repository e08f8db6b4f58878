import type { ModelSettings } from './peer.settings.js'

/** The part of a task that the peers use. */
export interface PeerTask {
  readonly task_id: string
  readonly prompt: string
}

/** The part of an answer that the peers keep. */
export interface PeerAnswer {
  readonly text: string
  readonly model: string
  readonly finishReason: string
  readonly promptTokens: number
  readonly completionTokens: number
}

interface Completion {
  readonly model: string
  readonly choices: readonly { readonly message: { readonly content: string }; readonly finish_reason: string }[]
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number }
}

export function makeChatHeaders({ token }: ModelSettings): Record<string, string> {
  return { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${token}` }
}

export function makeChatBody({ prompt }: PeerTask, model: string): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content: prompt }], max_tokens: 1_024 })
}

export function readAnswer(body: string): PeerAnswer {
  const { model, choices, usage } = JSON.parse(body) as Completion
  const [choice] = choices
  if (choice === undefined) throw new Error('the model answered without a choice')
  return {
    text: choice.message.content,
    model,
    finishReason: choice.finish_reason,
    promptTokens: usage.prompt_tokens,
    completionTokens: usage.completion_tokens,
  }
}

/** The result message. */
export function makeResult({ task_id }: PeerTask, { text, model, finishReason, promptTokens, completionTokens }: PeerAnswer) {
  return {
    task_id,
    outcome: 'succeeded',
    output: { text },
    model,
    finish_reason: finishReason,
    usage: { prompt_tokens: promptTokens, completion_tokens: completionTokens },
    finished_at: new Date().toISOString(),
  }
}
