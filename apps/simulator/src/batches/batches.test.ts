import { describe, expect, it, vi } from 'vitest'
import { expectedAnswer } from '../expected-answer.js'
import { openSimulator } from '../testing/open-simulator.js'
import type { SimulatorClient } from '../testing/simulator.client.js'

interface BatchReply {
  id: string
  status: string
  output_file_id?: string
}

const MESSAGES = [{ role: 'user', content: '[[task:t]] hello' }]
const CHAT_LINES = [
  { id: 'good', request: { model: 'GigaChat-2', messages: MESSAGES } },
  { id: 'bad', request: { model: 'GPT', messages: MESSAGES } },
]

async function create(simulator: SimulatorClient, lines: unknown[], method = 'chat_completions'): Promise<Response> {
  const body = lines.map((line) => JSON.stringify(line)).join('\n')
  return simulator.call('POST', `/api/v1/batches?method=${method}`, body, { headers: { 'Content-Type': 'application/octet-stream' } })
}

async function statusOf(simulator: SimulatorClient, id: string): Promise<BatchReply> {
  const batches = (await (await simulator.call('GET', `/api/v1/batches?batch_id=${id}`)).json()) as [BatchReply]
  return batches[0]
}

describe('/v1/batches', () => {
  it('goes from created over in_progress to completed and leaves an output file', async () => {
    const simulator = await openSimulator({ batches: { createdMs: 60_000, inProgressMs: 60_000 } })
    const created = (await (await create(simulator, CHAT_LINES)).json()) as BatchReply
    expect(created).toMatchObject({ method: 'chat_completions', request_counts: { total: 2 }, status: 'created' })

    await simulator.settings({ batches: { createdMs: 0 } })
    expect(await statusOf(simulator, created.id)).toMatchObject({ status: 'in_progress', request_counts: { total: 2 } })

    await simulator.settings({ batches: { inProgressMs: 0 } })
    const completed = await statusOf(simulator, created.id)
    expect(completed).toMatchObject({ status: 'completed', request_counts: { total: 2, completed: 1, failed: 1 } })
    const output = await (await simulator.call('GET', `/v1/files/${completed.output_file_id}/content`)).text()
    const [good, bad] = output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(good).toMatchObject({ id: 'good', result: { choices: [{ message: { content: expectedAnswer(MESSAGES) } }] } })
    expect(bad).toEqual({ id: 'bad', error: { status: 404, message: 'No such model' } })
  })

  it('puts each line on the bill once, however often the batch is looked at', async () => {
    const simulator = await openSimulator({ batches: { createdMs: 0, inProgressMs: 0 } })
    const { id } = (await (await create(simulator, CHAT_LINES)).json()) as BatchReply
    await statusOf(simulator, id)
    await statusOf(simulator, id)

    const lines = (await simulator.bill()).filter(({ method }) => method === 'BATCH')

    expect(lines).toMatchObject([
      { attempt_id: 'good', tasks: ['t'], paid: true, outcome: 'answered' },
      { attempt_id: 'bad', paid: false, outcome: 'refused' },
    ])
  })

  it('makes embeddings too', async () => {
    const simulator = await openSimulator({ batches: { createdMs: 0, inProgressMs: 1 } })
    const { id } = (await (
      await create(simulator, [{ id: 'e', request: { model: 'Embeddings', input: ['x'] } }], 'embedder')
    ).json()) as BatchReply
    await vi.waitFor(async () => expect((await statusOf(simulator, id)).status).toBe('completed'))

    const { output_file_id: fileId } = await statusOf(simulator, id)

    expect(await (await simulator.call('GET', `/v1/files/${fileId}/content`)).json()).toMatchObject({ id: 'e', result: { object: 'list' } })
  })

  it('lists all batches of the client as an array', async () => {
    const simulator = await openSimulator()
    await create(simulator, CHAT_LINES)
    await create(simulator, CHAT_LINES)

    expect(await (await simulator.call('GET', '/v1/batches')).json()).toHaveLength(2)
  })

  it('is only for pay-as-you-go accounts', async () => {
    const simulator = await openSimulator()
    const token = await simulator.token('GIGACHAT_API_B2B')

    const response = await simulator.call('GET', '/v1/batches', undefined, { token })

    expect(response.status).toBe(403)
    expect(await response.json()).toEqual({ status: 403, message: 'Permission denied' })
  })

  it.each([
    ['an unknown method', CHAT_LINES, 'magic'],
    ['no line', [], 'chat_completions'],
    ['a line without request', [{ id: 'x' }], 'chat_completions'],
    ['an id twice', [CHAT_LINES[0], CHAT_LINES[0]], 'chat_completions'],
    ['too many lines', Array.from({ length: 501 }, (_, id) => ({ id: String(id), request: {} })), 'chat_completions'],
  ])('refuses %s', async (_name, lines, method) => {
    const simulator = await openSimulator()

    expect((await create(simulator, lines, method)).status).toBe(422)
  })
})
