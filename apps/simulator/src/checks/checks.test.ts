import { describe, expect, it } from 'vitest'
import { openSimulator } from '../testing/open-simulator.js'

const LONG_TEXT = 'слово '.repeat(25)

describe('small endpoints', () => {
  it('count tokens into an array at the top', async () => {
    const simulator = await openSimulator()

    const response = await simulator.call('POST', '/v1/tokens/count', { model: 'GigaChat', input: ['0123456789', ''] })

    expect(await response.json()).toEqual([
      { object: 'tokens', tokens: 3, characters: 10 },
      { object: 'tokens', tokens: 0, characters: 0 },
    ])
  })

  it('list models and describe one', async () => {
    const simulator = await openSimulator()

    const list = (await (await simulator.call('GET', '/v1/models')).json()) as { object: string; data: { type: string }[] }
    const one = await simulator.call('GET', '/v1/models/GigaChat-2-Max')
    const none = await simulator.call('GET', '/v1/models/GPT')

    expect(list.object).toBe('list')
    expect(new Set(list.data.map(({ type }) => type))).toEqual(new Set(['chat', 'embedder', 'aicheck', 'filter']))
    expect(await one.json()).toEqual({ id: 'GigaChat-2-Max', object: 'model', owned_by: 'salutedevices', type: 'chat' })
    expect([none.status, await none.json()]).toEqual([404, { status: 404, message: 'No such model' }])
  })

  it('show the balance of prepaid accounts only', async () => {
    const simulator = await openSimulator({ chat: { budgets: { 'GigaChat-2': 5 } } })

    const prepaid = await simulator.call('GET', '/v1/balance', undefined, { token: await simulator.token('GIGACHAT_API_PERS') })
    const postpaid = await simulator.call('GET', '/v1/balance', undefined, { token: await simulator.token('GIGACHAT_API_CORP') })

    expect(await prepaid.json()).toEqual({ balance: [{ usage: 'GigaChat-2', value: 5 }] })
    expect([postpaid.status, await postpaid.json()]).toEqual([403, { status: 403, message: 'Permission denied' }])
  })

  it('tell whether a text was written by a model', async () => {
    const simulator = await openSimulator()
    const check = async (input: string): Promise<Response> => simulator.call('POST', '/v1/ai/check', { model: 'GigaCheckDetection', input })

    expect(await (await check(LONG_TEXT)).json()).toMatchObject({
      category: expect.stringMatching(/^(ai|human|mixed)$/) as string,
      characters: 150,
      tokens: 43,
    })
    expect((await check('слово')).status).toBe(422)
  })

  it('find profanity where the marker is', async () => {
    const simulator = await openSimulator()
    const check = async (content: string): Promise<unknown> =>
      (await simulator.call('POST', '/v1/filter/check', { model: 'GigaFilter', messages: [{ role: 'user', content }] })).json()

    expect(await check('[[profane]]')).toEqual({ is_profane: true, usage: { filter_tokens: 4 } })
    expect(await check('hello')).toMatchObject({ is_profane: false })
  })

  it('validate functions', async () => {
    const simulator = await openSimulator()
    const validate = async (declared: unknown): Promise<unknown> =>
      (await simulator.call('POST', '/v1/functions/validate', declared)).json()

    expect(await validate({ name: 'f', description: 'd', parameters: { type: 'object', properties: {} } })).toEqual({
      status: 200,
      message: 'Function is valid',
      json_ai_rules_version: '1.0.5',
    })
    expect(await validate({ name: 'f', parameters: { type: 'object' } })).toMatchObject({
      message: 'Incorrect function syntax',
      errors: [{ description: "Field 'properties' is missing" }],
      warnings: [{ description: 'description is missing' }],
    })
  })
})
