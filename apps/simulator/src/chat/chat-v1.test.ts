import { describe, expect, it } from 'vitest'
import { expectedAnswer } from '../expected-answer.js'
import { openSimulator } from '../testing/open-simulator.js'

const MESSAGES = [
  { role: 'system', content: 'Be brief' },
  { role: 'user', content: '[[task:t-1]] Как дела?' },
]

interface V1Reply {
  choices: {
    message: { content: string; role: string; function_call?: unknown; functions_state_id?: string; reasoning_content?: string }
    finish_reason: string
  }[]
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number; precached_prompt_tokens: number }
  model: string
  object: string
}

async function json(response: Response): Promise<V1Reply> {
  return (await response.json()) as V1Reply
}

describe('POST /v1/chat/completions', () => {
  it('answers with the expected answer in the recorded shape', async () => {
    const simulator = await openSimulator()

    const response = await simulator.chat('', { messages: MESSAGES })

    expect(await response.json()).toEqual({
      choices: [{ message: { content: expectedAnswer(MESSAGES), role: 'assistant' }, index: 0, finish_reason: 'stop' }],
      created: expect.closeTo(Date.now() / 1000, -1) as number,
      model: 'GigaChat-2:2.0.28.2',
      object: 'chat.completion',
      usage: { prompt_tokens: 11, completion_tokens: 15, total_tokens: 26, precached_prompt_tokens: 0 },
    })
  })

  it('echoes the ids of the request, or makes them', async () => {
    const simulator = await openSimulator()

    const echoed = await simulator.chat('x', {}, { headers: { 'X-Request-ID': 'attempt-1', 'X-Session-ID': 'session-1' } })
    const made = await simulator.chat('x')

    expect([echoed.headers.get('x-request-id'), echoed.headers.get('x-session-id')]).toEqual(['attempt-1', 'session-1'])
    expect(made.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(made.headers.get('x-session-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('tells its keep-alive time-out and no rate limits', async () => {
    const simulator = await openSimulator()

    const { headers } = await simulator.chat('x')

    expect(headers.get('keep-alive')).toBe('timeout=15')
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect([...headers.keys()].filter((name) => name.includes('ratelimit') || name === 'retry-after')).toEqual([])
  })

  it('streams the same answer as frames with usage in the last one and [DONE]', async () => {
    const simulator = await openSimulator({ events: { tokensPerEvent: 2 } })

    const response = await simulator.chat('', { messages: MESSAGES, stream: true })

    const frames = (await response.text()).split('\n\n')
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(frames.splice(-2)).toEqual(['data: [DONE]', ''])
    const events = frames.map(
      (frame) => JSON.parse(frame.replace(/^data: /, '')) as { choices: { delta: { content: string; role?: string } }[] },
    )
    expect(events.map(({ choices }) => choices[0]?.delta.content).join('')).toBe(expectedAnswer(MESSAGES))
    expect(events.map(({ choices }) => choices[0]?.delta.role)).toEqual(['assistant', ...events.slice(1).map(() => undefined)])
    expect(events.at(-1)).toMatchObject({
      choices: [{ delta: { content: '' }, index: 0, finish_reason: 'stop' }],
      usage: { prompt_tokens: 11, completion_tokens: 15, total_tokens: 26, precached_prompt_tokens: 0 },
    })
    expect(events.slice(0, -1).some((event) => 'usage' in event)).toBe(false)
  })

  it('gathers deltas of a slow stream when update_interval is longer', async () => {
    const simulator = await openSimulator({ events: { tokensPerEvent: 1, intervalMs: 1 } })

    const often = (await (await simulator.chat('hello', { stream: true })).text()).split('data: ').length
    const seldom = (await (await simulator.chat('hello', { stream: true, update_interval: 0.005 })).text()).split('data: ').length

    expect(seldom).toBeLessThan(often / 2)
  })

  it('stops at max_tokens with finish_reason length', async () => {
    const simulator = await openSimulator()

    const reply = await json(await simulator.chat('hello there', { max_tokens: 3 }))

    expect(reply.choices[0]).toMatchObject({ message: { content: 'Answer: he' }, finish_reason: 'length' })
    expect(reply.usage.completion_tokens).toBe(3)
  })

  it.each([
    ['[[length]]', 'length'],
    ['[[blacklist]]', 'blacklist'],
    ['[[function:weather]]', 'function_call'],
    ['[[json:{"a":1}]]', 'stop'],
  ])('ends %s with finish_reason %s', async (marker, reason) => {
    const simulator = await openSimulator()

    const reply = await json(await simulator.chat(`${marker} hello`))

    expect(reply.choices[0]?.finish_reason).toBe(reason)
    expect(reply.choices[0]?.message.content).toBe(expectedAnswer([{ role: 'user', content: `${marker} hello` }]))
  })

  it('calls the declared function with arguments that fit its schema', async () => {
    const simulator = await openSimulator()
    const parameters = { type: 'object', properties: { city: { type: 'string', enum: ['Omsk'] }, days: { type: 'integer', minimum: 2 } } }

    const reply = await json(
      await simulator.chat('how is it', { functions: [{ name: 'weather', parameters }], function_call: { name: 'weather' } }),
    )

    expect(reply.choices[0]).toMatchObject({
      message: {
        content: '',
        function_call: { name: 'weather', arguments: { city: 'Omsk', days: 2 } },
        functions_state_id: expect.any(String) as string,
      },
      finish_reason: 'function_call',
    })
  })

  it('calls no function when function_call is none', async () => {
    const simulator = await openSimulator()

    const reply = await json(await simulator.chat('[[function:weather]]', { function_call: 'none' }))

    expect(reply.choices[0]?.finish_reason).toBe('stop')
  })

  it('streams a function call whole in one delta', async () => {
    const simulator = await openSimulator()

    const text = await (await simulator.chat('[[function:weather]]', { stream: true })).text()

    expect(text.split('\n\n')).toHaveLength(3)
    expect(text).toContain('"function_call":{"name":"weather","arguments":{}}')
    expect(text).toContain('"finish_reason":"function_call"')
  })

  it('answers by the schema of response_format', async () => {
    const simulator = await openSimulator()
    const schema = {
      type: 'object',
      properties: { title: { type: 'string' }, tags: { type: 'array', items: { const: 'x' } }, ok: { type: 'boolean' } },
    }

    const reply = await json(await simulator.chat('[[task:t]]', { response_format: { type: 'json_schema', schema } }))

    expect(JSON.parse(reply.choices[0]!.message.content)).toEqual({
      title: expect.stringContaining('[[task:t]]') as string,
      tags: ['x'],
      ok: true,
    })
  })

  it('gives as many choices as n says', async () => {
    const simulator = await openSimulator()

    const reply = await json(await simulator.chat('x', { n: 2 }))

    expect(reply.choices).toHaveLength(2)
  })

  it('shows the thoughts of a reasoning model', async () => {
    const simulator = await openSimulator()

    const reply = await json(await simulator.chat('x', { model: 'GigaChat-2-Reasoning' }))

    expect(reply.choices[0]?.message.reasoning_content).toMatch(/^Thinking/)
  })

  it('takes as long as the latency marker says', async () => {
    const simulator = await openSimulator()
    const started = performance.now()

    await simulator.chat('[[latency:80]]')

    expect(performance.now() - started).toBeGreaterThan(75)
  })

  it('counts the tokens that the session has seen within the cache time', async () => {
    const simulator = await openSimulator({ chat: { cacheTtlMs: 1_000_000 } })
    const prompt = 'the same long beginning '.repeat(20)
    const cachedOf = async (content: string, headers: Record<string, string>): Promise<number> =>
      (await json(await simulator.chat(content, {}, { headers }))).usage.precached_prompt_tokens

    expect(await cachedOf(`${prompt} one`, { 'X-Session-ID': 's' })).toBe(0)
    expect(await cachedOf(`${prompt} two`, { 'X-Session-ID': 's' })).toBeGreaterThan(130)
    expect(await cachedOf(`${prompt} two`, { 'X-Session-ID': 'other' })).toBe(0)
    expect(await cachedOf(`${prompt} two`, {})).toBe(0)
    await simulator.settings({ chat: { cacheTtlMs: 0 } })
    await cachedOf(prompt, { 'X-Session-ID': 's' })
    expect(await cachedOf(prompt, { 'X-Session-ID': 's' })).toBe(0)
  })

  it('is the same under /v1 and /api/v1', async () => {
    const simulator = await openSimulator()

    const response = await simulator.call('POST', '/v1/chat/completions', { model: 'GigaChat', messages: MESSAGES })

    expect((await json(response)).choices[0]?.message.content).toBe(expectedAnswer(MESSAGES))
  })
})
