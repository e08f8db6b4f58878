import { describe, expect, it } from 'vitest'
import { GIGACHAT_ERRORS } from '../gigachat/gigachat-error.table.js'
import { OPENAI_ERRORS } from '../openai/openai-error.table.js'
import { findChatErrorRow, findErrorRow, type ErrorRow } from './error-table.js'
import { responseError } from './response-error.js'

const ENDPOINT = { name: 'GigaChat', settingsPrefix: 'GIGACHAT' }

function errorOf(status: number, message: string, { headers = {}, prompt = '' } = {}) {
  return responseError({
    row: findErrorRow(GIGACHAT_ERRORS, status, { status, message }),
    endpoint: ENDPOINT,
    status,
    error: { status, message },
    headers,
    nowMs: 0,
    prompt: [{ role: 'user', content: prompt }],
  })
}

describe(responseError.name, () => {
  it.each([
    [302, '', 'llm_bad_response', false],
    [400, 'Your request contains invalid JSON syntax.', 'llm_bad_request', false],
    [401, 'Token has expired', 'llm_unauthorized', true],
    [402, 'Payment Required', 'llm_payment_required', true],
    [403, 'Permission denied', 'llm_forbidden', false],
    [403, 'The model is temporarily unavailable due to technical reasons', 'llm_model_unavailable', true],
    [404, 'No such model', 'llm_model_not_found', false],
    [408, '', 'llm_timeout', true],
    [409, '', 'llm_bad_request', false],
    [413, 'Tokens limit exceeded for index 0: 4451 (max 4096)', 'llm_payload_too_large', false],
    [422, "Field 'properties.x.properties' is missing", 'llm_unprocessable', false],
    [423, 'temporarily unavailable due to technical reasons', 'llm_model_unavailable', true],
    [429, 'Too many requests', 'llm_rate_limited', true],
    [500, 'Internal Server Error', 'llm_server_error', true],
    [502, '', 'llm_model_unavailable', true],
    [503, '', 'llm_model_unavailable', true],
    [504, '', 'llm_server_error', true],
    [529, '', 'llm_model_unavailable', true],
    [600, '', 'llm_bad_response', true],
  ])('maps %i %j of GigaChat to %s', (status, message, code, retryable) => {
    expect(errorOf(status, message)).toMatchObject({ code, retryable, details: { status } })
  })

  it('says what the provider said, cut to 300 characters', () => {
    expect(errorOf(422, 'x'.repeat(400)).message).toBe(`GigaChat answered 422: ${'x'.repeat(300)}`)
    expect(errorOf(402, '').message).toBe('GigaChat answered 402: the tokens of this model are used up')
  })

  it('honours Retry-After', () => {
    expect(errorOf(429, '', { headers: { 'retry-after': '7' } }).retryAfterMs).toBe(7_000)
    expect(errorOf(429, '').retryAfterMs).toBeUndefined()
  })

  it('leaves out a message that quotes the prompt', () => {
    const prompt = 'My name is Ivan Petrovich Sidorov and my passport is 4509 123456, please write a letter.'
    const { message } = errorOf(422, `Cannot process the request "${prompt.slice(8)}"`, { prompt })
    expect(message).toBe('GigaChat answered 422: (its message quotes the prompt)')
  })
})

describe(findErrorRow.name, () => {
  it.each([
    [400, 'context_length_exceeded', 'llm_payload_too_large', false],
    [401, undefined, 'llm_unauthorized', true],
    [429, 'insufficient_quota', 'llm_payment_required', true],
    [429, 'rate_limit_exceeded', 'llm_rate_limited', true],
    [503, undefined, 'llm_model_unavailable', true],
  ])('maps %i %s of an OpenAI-compatible server to %s', (status, reason, code, retryable) => {
    const row: ErrorRow = findErrorRow(OPENAI_ERRORS, status, { status, message: '', ...(reason !== undefined && { reason }) })
    expect(row).toMatchObject({ code, retryable })
  })
})

describe(findChatErrorRow.name, () => {
  it.each([403, 404, 405])('takes a %i in which the provider says nothing for a proxy, and no task is to blame', (status) => {
    expect(findChatErrorRow(GIGACHAT_ERRORS, status, undefined)).toMatchObject({ code: 'llm_bad_response', retryable: true })
  })

  it.each([
    [404, { status: 404, message: 'No such model' }, 'llm_model_not_found'],
    [413, undefined, 'llm_payload_too_large'],
  ])('takes any other for what it says', (status, error, code) => {
    expect(findChatErrorRow(GIGACHAT_ERRORS, status, error)).toMatchObject({ code, retryable: false })
  })
})
