import { describe, expect, it } from 'vitest'
import { openSimulator } from '../testing/open-simulator.js'

interface EmbeddingsReply {
  object: string
  model: string
  data: { object: string; index: number; embedding: number[]; usage: { prompt_tokens: number } }[]
}

describe('POST /v1/embeddings', () => {
  it.each([
    ['Embeddings', 1024],
    ['Embeddings-2', 1024],
    ['EmbeddingsGigaR', 2560],
  ])('of %s gives unit vectors of %i numbers with usage per item', async (model, dimensions) => {
    const simulator = await openSimulator()

    const reply = (await (await simulator.call('POST', '/v1/embeddings', { model, input: ['one', 'two'] })).json()) as EmbeddingsReply

    expect(Object.keys(reply).toSorted()).toEqual(['data', 'model', 'object'])
    expect(reply.data.map(({ object, index, usage }) => ({ object, index, usage }))).toEqual([
      { object: 'embedding', index: 0, usage: { prompt_tokens: 1 } },
      { object: 'embedding', index: 1, usage: { prompt_tokens: 1 } },
    ])
    const [first, second] = reply.data.map(({ embedding }) => embedding)
    expect(first).toHaveLength(dimensions)
    expect(first!.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 3)
    expect(first).not.toEqual(second)
  })

  it('gives the same vector for the same text', async () => {
    const simulator = await openSimulator()
    const embed = async (): Promise<unknown> =>
      (await simulator.call('POST', '/v1/embeddings', { model: 'Embeddings', input: ['one'] })).json()

    expect(await embed()).toEqual(await embed())
  })

  it('refuses a text above the limit of its model', async () => {
    const simulator = await openSimulator()

    const response = await simulator.call('POST', '/v1/embeddings', { model: 'EmbeddingsGigaR', input: ['ok', 'x'.repeat(15_578)] })

    expect(response.status).toBe(413)
    expect(await response.json()).toEqual({ status: 413, message: 'Tokens limit exceeded for index 1: 4451 (max 4096)' })
  })

  it('refuses a chat model and an empty input', async () => {
    const simulator = await openSimulator()

    expect((await simulator.call('POST', '/v1/embeddings', { model: 'GigaChat', input: ['x'] })).status).toBe(404)
    expect((await simulator.call('POST', '/v1/embeddings', { model: 'Embeddings', input: [] })).status).toBe(422)
  })

  it('is on the bill with its task markers', async () => {
    const simulator = await openSimulator()

    await simulator.call('POST', '/v1/embeddings', { model: 'Embeddings', input: ['[[task:a]]', '[[task:b]]'] })

    expect((await simulator.bill())[0]).toMatchObject({
      tasks: ['a', 'b'],
      model: 'Embeddings',
      paid: true,
      prompt_tokens: 6,
      completion_tokens: 0,
    })
  })
})
