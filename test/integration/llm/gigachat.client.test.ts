import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { LlmAnswer, SendResult } from '#libs/kernel'
import { GigaChatApi, GigaChatClient } from '#libs/llm'
import { BLACKLIST_REFUSAL, expectedAnswer } from '../../../apps/simulator/src/expected-answer.js'
import type { FaultInput } from '../../../apps/simulator/src/faults/fault.schema.js'
import { setUpSimulator } from './simulator.setup.js'

const ANSWER = expectedAnswer([{ role: 'user', content: 'Как дела?' }])
const STREAMED = { stream: true }

function parsed(client: GigaChatClient, result: SendResult): LlmAnswer {
  if (result.kind !== 'answered') throw new Error(`expected an answer, got ${result.kind}: ${result.error.message}`)
  return client.parse(result.answer)
}

describe(`${GigaChatClient.name} with the simulator`, () => {
  it.each([false, true])('gets the answer that belongs to the prompt (stream: %s)', async (stream) => {
    const { client, send, bill } = await setUpSimulator()
    const attemptId = randomUUID()
    const answer = parsed(client, await send({ attemptId, stream }))
    expect(answer).toMatchObject({ text: ANSWER, finishReason: 'stop', model: expect.stringMatching(/^GigaChat-2:/) })
    expect(answer.usage?.total_tokens).toBeGreaterThan(0)
    expect(await bill()).toMatchObject([{ attempt_id: attemptId, paid: true, outcome: 'answered', stream }])
  })

  it('gives the end that the model gave: cut by max_tokens, or refused as a topic', async () => {
    const { client, send } = await setUpSimulator()
    expect(parsed(client, await send({ params: { max_tokens: 2 } })).finishReason).toBe('length')
    const refused = parsed(client, await send({ messages: [{ role: 'user', content: '[[blacklist]]' }] }))
    expect(refused).toMatchObject({ text: BLACKLIST_REFUSAL, finishReason: 'blacklist' })
  })

  it('is let in with several system messages', async () => {
    const { client, send } = await setUpSimulator()
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'system', content: 'b' },
      { role: 'user', content: 'Как дела?' },
    ] as const
    expect(parsed(client, await send({ messages })).finishReason).toBe('stop')
  })

  it.each<[string, FaultInput]>([
    ['byte by byte', { kind: 'split', bytes: 1, gapMs: 0 }],
    ['in one piece', { kind: 'coalesce', events: 1_000 }],
    ['without [DONE]', { kind: 'no_done' }],
    ['compressed', { kind: 'gzip' }],
    ['with a wrong content type', { kind: 'wrong_content_type' }],
  ])('reads a stream that comes %s', async (_name, fault) => {
    const rules = await setUpSimulator()
    await rules.fault(fault)
    expect(parsed(rules.client, await rules.send(STREAMED)).text).toBe(ANSWER)
  })

  it.each<[FaultInput, string]>([
    [{ kind: 'error', status: 400 }, 'llm_bad_request'],
    [{ kind: 'error', status: 402 }, 'llm_payment_required'],
    [{ kind: 'error', status: 404 }, 'llm_model_not_found'],
    [{ kind: 'error', status: 413 }, 'llm_payload_too_large'],
    [{ kind: 'error', status: 422 }, 'llm_unprocessable'],
    [{ kind: 'error', status: 423 }, 'llm_model_unavailable'],
    [{ kind: 'error', status: 429, retryAfter: 2 }, 'llm_rate_limited'],
    [{ kind: 'error', status: 500 }, 'llm_server_error'],
    [{ kind: 'error_in_200' }, 'llm_rate_limited'],
    [{ kind: 'html', status: 502 }, 'llm_model_unavailable'],
    [{ kind: 'html', status: 200 }, 'llm_model_unavailable'],
  ])('says refused for %j, and nothing is paid', async (fault, code) => {
    const rules = await setUpSimulator()
    await rules.fault(fault)
    expect(await rules.send()).toMatchObject({ kind: 'refused', error: { code } })
    expect((await rules.bill()).map(({ paid }) => paid)).toEqual([false])
  })

  it.each<[FaultInput, boolean, boolean]>([
    [{ kind: 'drop', where: 'before_headers' }, false, false],
    [{ kind: 'drop', where: 'after_processing' }, false, true],
    [{ kind: 'drop', where: 'mid_body' }, false, true],
    [{ kind: 'drop', where: 'mid_body' }, true, true],
    [{ kind: 'stream_error', afterEvents: 1 }, true, true],
    [{ kind: 'stall', where: 'before_headers' }, false, false],
    [{ kind: 'stall', where: 'mid_body' }, true, true],
    [{ kind: 'drip', everyMs: 50 }, true, true],
  ])('says maybe_paid for %j (stream: %s), and sends once', async (fault, stream, paid) => {
    const rules = await setUpSimulator({ LLM_IDLE_TIMEOUT_MS: '300', LLM_FIRST_BYTE_TIMEOUT_MS: '300', LLM_CALL_TIMEOUT_MS: '1000' })
    await rules.fault(fault)
    expect(await rules.send({ stream })).toMatchObject({ kind: 'maybe_paid', error: { retryable: true } })
    await expect.poll(async () => (await rules.bill()).map((line) => [line.paid, line.outcome === 'open'])).toEqual([[paid, false]])
  })

  it.each<FaultInput>([
    { kind: 'huge_body', bytes: 3_000_000 },
    { kind: 'gzip', answerBytes: 30_000_000 },
  ])('says answer_too_large for %j', async (fault) => {
    const rules = await setUpSimulator({ LLM_MAX_ANSWER_BYTES: '1000000' })
    await rules.fault(fault)
    expect(await rules.send()).toMatchObject({ kind: 'answer_too_large', sizeBytes: expect.any(Number) })
  })

  it.each<[FaultInput, string]>([
    [{ kind: 'empty_choices' }, 'answer_empty'],
    [{ kind: 'truncated_json' }, 'llm_bad_response'],
  ])('keeps an answer that %j spoiled, and parse says what is wrong', async (fault, code) => {
    const rules = await setUpSimulator()
    await rules.fault(fault)
    const result = await rules.send()
    expect(() => parsed(rules.client, result)).toThrow(expect.objectContaining({ code, retryable: false }))
  })

  it('does not take the answer to another request', async () => {
    const rules = await setUpSimulator()
    await rules.fault({ kind: 'wrong_request_id', count: 1 })
    expect(await rules.send()).toMatchObject({ kind: 'maybe_paid', error: { code: 'llm_bad_response' } })
    expect(await rules.send()).toMatchObject({ kind: 'answered' })
  })

  it('gives its stream back at once on an abort', async () => {
    const rules = await setUpSimulator()
    await rules.fault({ kind: 'stall', where: 'mid_body' })
    const abort = new AbortController()
    const sending = rules.send(STREAMED, abort.signal)
    const streamsInUse = async () =>
      (await rules.simulator.summary()).streams.find(({ credential }) => credential === rules.clientId)?.in_use
    await expect.poll(streamsInUse).toBe(1)
    abort.abort()
    expect(await sending).toMatchObject({ kind: 'maybe_paid', error: { code: 'cancelled' } })
    await expect.poll(streamsInUse).toBe(0)
  })

  it('never holds more connections than streams', async () => {
    const rules = await setUpSimulator({ LLM_MAX_STREAMS: '7' })
    const results = await Promise.all(Array.from({ length: 60 }, () => rules.send()))
    expect(results.every(({ kind }) => kind === 'answered')).toBe(true)
    const gate = (await rules.simulator.summary()).streams.find(({ credential }) => credential === rules.clientId)
    expect(gate).toMatchObject({ refused: 0 })
    expect(gate?.max).toBeLessThanOrEqual(7)
  })

  it('gets one new token for all calls whose token has expired', async () => {
    const rules = await setUpSimulator()
    await rules.send()
    await rules.fault({ kind: 'error', status: 401, message: 'Token has expired', count: 10 })
    const refused = await Promise.all(Array.from({ length: 10 }, () => rules.send()))
    expect(new Set(refused.map((result) => result.kind === 'refused' && result.error.code))).toEqual(new Set(['llm_unauthorized']))
    const answered = await Promise.all(Array.from({ length: 10 }, () => rules.send()))
    expect(answered.every(({ kind }) => kind === 'answered')).toBe(true)
  })

  it('sends nothing without a token', async () => {
    const rules = await setUpSimulator()
    await rules.fault({ kind: 'error', status: 429, filter: { endpoint: 'oauth' } })
    expect(await rules.send()).toMatchObject({ kind: 'not_sent', error: { code: 'llm_auth_unavailable', retryable: true } })
    expect((await rules.bill()).filter(({ path }) => path.includes('chat'))).toEqual([])
  })
})

describe(`${GigaChatApi.name} with the simulator`, () => {
  const NEVER = new AbortController().signal

  it('lists models, counts tokens and makes embeddings', async () => {
    const { api } = (await setUpSimulator()).client
    expect((await api.models(NEVER)).map(({ id }) => id)).toContain('GigaChat-2-Max')
    expect(await api.countTokens('GigaChat-2', ['привет', 'мир'], NEVER)).toHaveLength(2)
    const [embedding] = await api.embed('Embeddings', ['привет'], NEVER)
    expect(embedding?.embedding).toHaveLength(1_024)
  })

  it('keeps files', async () => {
    const { files } = (await setUpSimulator()).client.api
    const uploaded = await files.upload({ name: 'письмо.txt', mediaType: 'text/plain', content: Buffer.from('Привет') }, NEVER)
    expect(uploaded).toMatchObject({ filename: 'письмо.txt', bytes: 12 })
    expect((await files.content(uploaded.id, NEVER)).toString()).toBe('Привет')
    expect((await files.list(NEVER)).map(({ id }) => id)).toContain(uploaded.id)
    expect(await files.get(uploaded.id, NEVER)).toMatchObject({ id: uploaded.id })
    expect(await files.delete(uploaded.id, NEVER)).toBe(true)
    await expect(files.get(uploaded.id, NEVER)).rejects.toMatchObject({ code: 'file_not_found' })
  })

  it('tells the balance, or that there is none', async () => {
    const prepaid = (await setUpSimulator({ GIGACHAT_SCOPE: 'GIGACHAT_API_B2B' })).client.api
    expect(await prepaid.balance(NEVER)).toBeInstanceOf(Array)
    const payAsYouGo = (await setUpSimulator()).client.api
    await expect(payAsYouGo.balance(NEVER)).rejects.toMatchObject({ code: 'llm_forbidden' })
  })
})
