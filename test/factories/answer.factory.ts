import type { RawAnswer } from '#libs/kernel'

/** A complete answer of GigaChat with this text. */
export function makeAnswer(text = 'an answer', fields: Partial<RawAnswer> = {}): RawAnswer {
  const body = {
    choices: [{ message: { role: 'assistant', content: text }, index: 0, finish_reason: 'stop' }],
    created: 1_700_000_000,
    model: 'GigaChat-2:2.0.28.2',
    object: 'chat.completion',
    usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12, precached_prompt_tokens: 1 },
  }
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
    durationMs: 12,
    ...fields,
  }
}
