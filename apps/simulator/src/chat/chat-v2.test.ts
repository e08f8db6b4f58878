import { describe, expect, it } from 'vitest'
import { expectedAnswer } from '../expected-answer.js'
import { openSimulator } from '../testing/open-simulator.js'
import type { SimulatorClient } from '../testing/simulator.client.js'

async function ask(
  simulator: SimulatorClient,
  text: string,
  fields: Record<string, unknown> = {},
  path = '/api/v2/chat/completions',
): Promise<Response> {
  return simulator.call('POST', path, { model: 'GigaChat-3-Ultra', messages: [{ role: 'user', content: [{ text }] }], ...fields })
}

describe('POST /v2/chat/completions', () => {
  it.each(['/api/v2/chat/completions', '/v2/chat/completions'])('answers at %s in the recorded shape', async (path) => {
    const simulator = await openSimulator()

    const response = await ask(simulator, 'hello', {}, path)

    expect(await response.json()).toEqual({
      model: 'GigaChat-3-Ultra:2.0.28.2',
      created_at: expect.any(Number) as number,
      messages: [{ role: 'assistant', content: [{ text: expectedAnswer([{ role: 'user', content: 'hello' }]) }] }],
      finish_reason: 'stop',
      usage: { input_tokens: 3, input_tokens_details: { prompt_tokens: 3, cached_tokens: 0 }, output_tokens: 10, total_tokens: 13 },
    })
  })

  it('streams named events and no [DONE]', async () => {
    const simulator = await openSimulator()

    const text = await (await ask(simulator, 'hello', { stream: true })).text()

    const events = text.trimEnd().split('\n\n')
    expect(events.map((event) => event.split('\n')[0])).toEqual([
      ...events.slice(1).map(() => 'event: response.message.delta'),
      'event: response.message.done',
    ])
    expect(events.at(-1)).toContain('"finish_reason":"stop","usage":{"input_tokens":3')
    expect(text).not.toContain('[DONE]')
  })

  it('gives a function call with the tool state, in a stream only with the last event', async () => {
    const simulator = await openSimulator()

    const reply: unknown = await (await ask(simulator, '[[function:weather]]')).json()
    const streamed = await (await ask(simulator, '[[function:weather]]', { stream: true })).text()

    expect(reply).toMatchObject({
      messages: [
        {
          role: 'assistant',
          tool_state_id: expect.any(String) as string,
          content: [{ function_call: { name: 'weather', arguments: {} } }],
        },
      ],
      finish_reason: 'function_call',
    })
    expect(streamed).toMatch(/^event: response\.message\.done\ndata: .*function_call/)
  })

  it('is refused when calls and results of functions do not match', async () => {
    const simulator = await openSimulator()
    const messages = [
      { role: 'user', content: [{ text: 'x' }] },
      { role: 'assistant', content: [{ function_call: { name: 'f', arguments: {} } }] },
      { role: 'user', content: [{ text: 'and?' }] },
    ]

    const response = await ask(simulator, '', { messages })

    expect(response.status).toBe(422)
    expect(await response.json()).toEqual({ status: 422, message: 'Function calls count does not match function results count' })
  })

  it('goes on after a function result', async () => {
    const simulator = await openSimulator()
    const messages = [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: [{ function_call: { name: 'f', arguments: {} } }] },
      { role: 'tool', content: [{ function_result: { name: 'f', result: '{}' } }] },
    ]

    expect((await ask(simulator, '', { messages })).status).toBe(200)
  })

  it('forces the function of tool_config and limits tokens by model_options', async () => {
    const simulator = await openSimulator()
    const tools = [
      { functions: { specifications: [{ name: 'f', parameters: { type: 'object', properties: { a: { type: 'boolean' } } } }] } },
    ]

    const forced: unknown = await (await ask(simulator, 'x', { tools, tool_config: { mode: 'forced', function_name: 'f' } })).json()
    const short: unknown = await (await ask(simulator, 'x', { model_options: { max_tokens: 2 } })).json()

    expect(forced).toMatchObject({ messages: [{ content: [{ function_call: { name: 'f', arguments: { a: true } } }] }] })
    expect(short).toMatchObject({ finish_reason: 'length', usage: { output_tokens: 2 } })
  })

  it('starts a reasoning model with its thoughts, and a stored dialogue with a thread', async () => {
    const simulator = await openSimulator()

    const reply: unknown = await (await ask(simulator, 'x', { model: 'GigaChat-2-Reasoning', storage: {} })).json()

    expect(reply).toMatchObject({ thread_id: expect.any(String) as string, messages: [{ role: 'reasoning' }, { role: 'assistant' }] })
  })
})
