import { describe, expect, it } from 'vitest'
import { openSimulator } from '../testing/open-simulator.js'
import type { SimulatorClient } from '../testing/simulator.client.js'

interface FileReply {
  id: string
}

async function upload(
  simulator: SimulatorClient,
  file: { name?: string; type?: string; content?: string; purpose?: string; token?: string },
): Promise<Response> {
  const form = new FormData()
  form.append('file', new File([file.content ?? 'text'], file.name ?? 'a.txt', { type: file.type ?? 'text/plain' }))
  form.append('purpose', file.purpose ?? 'general')
  const token = file.token ?? (await simulator.token())
  return fetch(`${simulator.url}/api/v1/files`, { method: 'POST', headers: { Authorization: `Bearer ${token}` }, body: form })
}

describe('/v1/files', () => {
  it('keeps an uploaded file until it is deleted', async () => {
    const simulator = await openSimulator()
    const described = { object: 'file', bytes: 12, filename: 'отчёт.txt', purpose: 'general', access_policy: 'private' }

    const file = (await (await upload(simulator, { name: 'отчёт.txt', content: 'привет' })).json()) as FileReply

    expect(file).toMatchObject(described)
    expect(await (await simulator.call('GET', `/v1/files/${file.id}`)).json()).toEqual(file)
    expect(await (await simulator.call('GET', '/v1/files')).json()).toEqual({ data: [file] })
    const content = await simulator.call('GET', `/v1/files/${file.id}/content`)
    expect(await content.text()).toBe('привет')
    expect(await (await simulator.call('POST', `/v1/files/${file.id}/delete`)).json()).toMatchObject({ id: file.id, deleted: true })
    expect((await simulator.call('GET', `/v1/files/${file.id}`)).status).toBe(404)
  })

  it('keeps bytes that look like a line end or a boundary', async () => {
    const simulator = await openSimulator()
    const content = '\r\n--x\r\n\r\n--\r\n'

    const file = (await (await upload(simulator, { content })).json()) as FileReply

    expect(await (await simulator.call('GET', `/v1/files/${file.id}/content`)).text()).toBe(content)
  })

  it('can be attached to a message', async () => {
    const simulator = await openSimulator()
    const { id } = (await (await upload(simulator, {})).json()) as FileReply

    expect((await simulator.chat('', { messages: [{ role: 'user', content: 'sum up', attachments: [id] }] })).status).toBe(200)
  })

  it('is not shown to another client', async () => {
    const simulator = await openSimulator()
    await upload(simulator, { token: await simulator.token('GIGACHAT_API_PERS', 'other') })

    expect(await (await simulator.call('GET', '/v1/files')).json()).toEqual({ data: [] })
  })

  it.each([
    ['of an unknown type', { type: 'application/zip' }, 422],
    ['of an unknown purpose', { purpose: 'fun' }, 422],
    ['PDF for an assistant', { type: 'application/pdf', purpose: 'assistant' }, 422],
    ['image above 15 MB', { type: 'image/png', content: 'x'.repeat(15 * 1024 * 1024 + 1) }, 413],
  ])('refuses a file %s', async (_name, file, status) => {
    const simulator = await openSimulator()

    expect((await upload(simulator, file)).status).toBe(status)
  })

  it('refuses a body that is no form', async () => {
    const simulator = await openSimulator()

    expect((await simulator.call('POST', '/v1/files', { file: 'x' })).status).toBe(400)
  })
})
