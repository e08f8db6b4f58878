import { describe, expect, it } from 'vitest'
import { openSimulator } from '../testing/open-simulator.js'

const USER = { role: 'user', content: 'hello' }

function declare(parameters: unknown): unknown[] {
  return [{ name: 'f', parameters }]
}

describe('a chat request', () => {
  it.each<[string, Record<string, unknown>, number, string]>([
    ['an unknown model', { model: 'GPT' }, 404, 'No such model'],
    ['a model that is no chat model', { model: 'Embeddings' }, 404, 'No such model'],
    [
      'a second system message',
      { messages: [USER, { role: 'system', content: 'x' }] },
      422,
      'Invalid params: system message must be the first message',
    ],
    ['no messages', { messages: [] }, 422, 'Invalid params: messages must not be empty'],
    ['an unknown role', { messages: [{ role: 'boss', content: 'x' }] }, 422, 'Invalid params: unknown role boss'],
    ['content that is no text', { messages: [{ role: 'user', content: 5 }] }, 422, 'Invalid params: message content must be a string'],
    ['an unknown file', { messages: [{ ...USER, attachments: ['f-1'] }] }, 404, 'No such file: f-1'],
    ['a temperature above 2', { temperature: 3 }, 422, 'Invalid params: temperature must be in (0, 2]'],
    ['top_p above 1', { top_p: 1.5 }, 422, 'Invalid params: top_p must be in [0, 1]'],
    ['max_tokens of 0', { max_tokens: 0 }, 422, 'Invalid params: max_tokens must be positive'],
    ['ten choices', { n: 10 }, 422, 'Invalid params: n must be in [1, 4]'],
    [
      'nested parameters without properties',
      { functions: declare({ type: 'object', properties: { data: { type: 'object' } } }) },
      422,
      "Field 'properties.data.properties' is missing",
    ],
    ['parameters without properties', { functions: declare({ type: 'object' }) }, 422, "Field 'properties' is missing"],
    [
      'an enum of numbers',
      { functions: declare({ type: 'object', properties: { a: { enum: [1] } } }) },
      422,
      "Field 'properties.a.enum' must contain strings",
    ],
    [
      'functions of a model without them',
      { model: 'GigaChat-Plus', functions: declare({ type: 'object', properties: {} }) },
      422,
      'Requested model does not support functions',
    ],
    [
      'a function result that is not JSON',
      {
        messages: [
          USER,
          { role: 'assistant', content: '', function_call: { name: 'f', arguments: {} } },
          { role: 'function', name: 'f', content: 'sunny' },
        ],
      },
      422,
      'INVALID_PARAMS: invalid function result f: JSON parse error',
    ],
    [
      'a function result without its call',
      { messages: [USER, { role: 'assistant', content: '' }, { role: 'function', name: 'f', content: '{}' }] },
      422,
      'Invalid params: function message must follow an assistant message with function_call',
    ],
  ])('is refused with %s', async (_name, fields, status, message) => {
    const simulator = await openSimulator()

    const response = await simulator.chat('hello', fields)

    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ status, message })
    expect(response.headers.get('x-request-id')).not.toBeNull()
    expect((await simulator.bill())[0]).toMatchObject({ outcome: 'refused', paid: false, status })
  })

  it('is refused when it is not JSON', async () => {
    const simulator = await openSimulator()

    const response = await simulator.call('POST', '/v1/chat/completions', '{"model":')

    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ status: 400, message: 'Your request contains invalid JSON syntax.' })
  })

  it('is refused when it is larger than the body limit', async () => {
    const simulator = await openSimulator({ maxBodyBytes: 1000 })

    const response = await simulator.chat('x'.repeat(2000))

    expect(response.status).toBe(413)
    expect(await response.json()).toEqual({ status: 413, message: 'Payload too large' })
  })

  it.each([
    [422 as const, 'Unprocessable Entity'],
    [413 as const, 'Tokens limit exceeded: 58 (max 50)'],
  ])('above the context is refused with the status that the settings choose, %i', async (status, message) => {
    const simulator = await openSimulator({ chat: { contextTokens: 50, contextOverflowStatus: status } })

    const response = await simulator.chat('x'.repeat(200))

    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ status, message })
  })

  it('is refused with 402 when the budget of its model is used up, and other models go on', async () => {
    const simulator = await openSimulator({ chat: { budgets: { 'GigaChat-2': 20 } } })
    const statuses = [await simulator.chat('one'), await simulator.chat('two'), await simulator.chat('three')].map(({ status }) => status)

    expect(statuses).toEqual([200, 200, 402])
    expect((await simulator.chat('x', { model: 'GigaChat-2-Pro' })).status).toBe(200)
  })

  it.each([403 as const, 423 as const])('is refused with %i when its model is switched off', async (status) => {
    const simulator = await openSimulator({ chat: { switchedOff: { 'GigaChat-2': status } } })

    const response = await simulator.chat('hello')

    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({
      status,
      message: expect.stringContaining('temporarily unavailable due to technical reasons') as string,
    })
  })

  it('is refused when the account has no structured output', async () => {
    const simulator = await openSimulator({ chat: { structuredOutput: false } })

    const response = await simulator.chat('hello', { response_format: { type: 'json_schema', schema: { type: 'object', properties: {} } } })

    expect(response.status).toBe(403)
  })

  it('accepts the result of a function that was called', async () => {
    const simulator = await openSimulator()
    const messages = [
      USER,
      { role: 'assistant', content: '', function_call: { name: 'f', arguments: {} }, functions_state_id: 'id' },
      { role: 'function', name: 'f', content: '{"sunny":true}' },
    ]

    expect((await simulator.chat('', { messages })).status).toBe(200)
  })
})

describe('an unknown path', () => {
  it('is answered 404, and a known one by another method 405', async () => {
    const simulator = await openSimulator()

    expect((await simulator.call('GET', '/v1/nothing')).status).toBe(404)
    expect((await simulator.call('DELETE', '/v1/models')).status).toBe(405)
  })
})
