import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { TaskError, type RawAnswer } from '#libs/kernel'
import { ANSWER, ANSWER_TEXT, streamFrames } from '../testing/factories.js'
import { parseAnswer } from './parse-answer.js'

const MAX_BYTES = 10_000

function raw(body: string | Buffer, headers: Record<string, string> = {}): RawAnswer {
  return { status: 200, headers, body: Buffer.from(body), durationMs: 1 }
}

function errorOf(body: string | Buffer, headers?: Record<string, string>): TaskError {
  try {
    parseAnswer(raw(body, headers), MAX_BYTES)
  } catch (error) {
    return error as TaskError
  }
  throw new Error('expected an error')
}

describe(parseAnswer.name, () => {
  it('reads a whole answer', () => {
    expect(parseAnswer(raw(ANSWER_TEXT), MAX_BYTES)).toEqual({
      text: 'Привет',
      finishReason: 'stop',
      model: 'GigaChat:2.0.28.2',
      usage: { prompt_tokens: 17, completion_tokens: 3, total_tokens: 20, precached_prompt_tokens: 2 },
    })
  })

  it('reads a streamed answer, told by its bytes alone', () => {
    expect(parseAnswer(raw(`\n${streamFrames(['При', 'вет']).join('')}`), MAX_BYTES)).toEqual({
      text: 'Привет',
      finishReason: 'stop',
      model: 'GigaChat:2.0.28.2',
      usage: { prompt_tokens: 17, completion_tokens: 2, total_tokens: 19 },
    })
  })

  it('reads a compressed answer', () => {
    expect(parseAnswer(raw(gzipSync(ANSWER_TEXT), { 'content-encoding': 'gzip' }), MAX_BYTES).text).toBe('Привет')
  })

  it('passes an unknown finish reason, a missing model and a missing usage on', () => {
    const body = JSON.stringify({ choices: [{ message: { content: 'x' }, finish_reason: 'tired' }] })
    expect(parseAnswer(raw(body), MAX_BYTES)).toEqual({ text: 'x', finishReason: 'tired', model: 'unknown', usage: undefined })
    expect(parseAnswer(raw('data: {"choices":[{"delta":{"content":"x"}}]}\n\n'), MAX_BYTES)).toMatchObject({
      finishReason: 'unknown',
      model: 'unknown',
    })
  })

  it("reads an OpenAI-compatible server's parts and cached tokens", () => {
    const body = JSON.stringify({
      choices: [
        { message: { content: [{ type: 'text', text: 'a' }, { type: 'image' }, { type: 'text', text: 'b' }] }, finish_reason: 'length' },
      ],
      usage: { prompt_tokens: 5, prompt_tokens_details: { cached_tokens: 4 } },
    })
    expect(parseAnswer(raw(body), MAX_BYTES)).toMatchObject({
      text: 'ab',
      finishReason: 'length',
      usage: { prompt_tokens: 5, completion_tokens: 0, total_tokens: 5, precached_prompt_tokens: 4 },
    })
  })

  it.each(['blacklist', 'content_filter'])('gives an empty text without an error when the provider refused by %s', (reason) => {
    const body = JSON.stringify({ ...ANSWER, choices: [{ message: { content: null }, finish_reason: reason }] })
    expect(parseAnswer(raw(body), MAX_BYTES)).toMatchObject({ text: '', finishReason: reason })
  })

  it.each([
    ['no text', JSON.stringify({ choices: [{ message: { content: '' }, finish_reason: 'stop' }] })],
    ['no choice', '{"choices":[]}'],
    ['a choice without a message', '{"choices":[{}]}'],
    ['a choice that is null', '{"choices":[null]}'],
    ['a stream without a text', streamFrames([]).join('')],
  ])('throws answer_empty, not retryable, for an answer with %s', (_name, body) => {
    expect(errorOf(body)).toMatchObject({ code: 'answer_empty', retryable: false })
  })

  it.each([
    ['HTML', '<html></html>'],
    ['nothing', ''],
    ['cut JSON', ANSWER_TEXT.slice(0, 40)],
    ['JSON of another shape', '{"result":"x"}'],
    ['a list', '[]'],
    ['a stream without choices', 'data: {"note":1}\n\ndata: [DONE]\n\n'],
    ['a stream with an error', `${streamFrames(['a'])[0]}data: {"status_code":500,"message":"x"}\n\n`],
    ['a stream with an event that is not JSON', `${streamFrames(['a'])[0]}data: oops\n\n`],
  ])('throws llm_bad_response, not retryable, for %s', (_name, body) => {
    expect(errorOf(body)).toMatchObject({ code: 'llm_bad_response', retryable: false })
  })

  it.each([
    ['too large when decompressed', gzipSync(Buffer.alloc(MAX_BYTES + 1)), 'gzip'],
    ['not what its encoding says', Buffer.from('no gzip'), 'gzip'],
    ['in an unknown encoding', Buffer.from('x'), 'compress'],
  ])('throws llm_bad_response for a body that is %s', (_name, body, encoding) => {
    expect(errorOf(body, { 'content-encoding': encoding })).toMatchObject({ code: 'llm_bad_response' })
  })
})
