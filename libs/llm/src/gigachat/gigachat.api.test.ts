import { describe, expect, it, onTestFinished } from 'vitest'
import { setUpGigaChat } from '../testing/gigachat.setup.js'
import { httpResponse, type Script } from '../testing/scripted.server.js'
import { GigaChatApi } from './gigachat.api.js'
import { GigaChatFiles } from './gigachat.files.js'

const NEVER = new AbortController().signal
const FILE = { id: 'f/1', object: 'file', bytes: 3, created_at: 1, filename: 'отчёт.txt', purpose: 'general', access_policy: 'private' }

async function setUp(reply: unknown, status = 200) {
  const body = reply instanceof Buffer ? reply : JSON.stringify(reply)
  const { client, chatServer } = await setUpGigaChat(onTestFinished, { chat: (socket) => socket.write(httpResponse(status, body)) })
  return { api: client.api, requests: chatServer.requests }
}

async function setUpScript(chat: Script, limits = {}) {
  const parts = await setUpGigaChat(onTestFinished, { chat, limits })
  return { ...parts, api: parts.client.api }
}

function makeItem(index: number) {
  return { object: 'embedding', index, embedding: [index], usage: { prompt_tokens: 7 } }
}

describe(GigaChatApi.name, () => {
  it('lists models', async () => {
    const model = { id: 'GigaChat-2-Max', object: 'model', owned_by: 'salutedevices', type: 'chat' }
    const { api, requests } = await setUp({ object: 'list', data: [model] })
    expect(await api.models(NEVER)).toEqual([model])
    expect(requests[0]?.head).toMatch(/^GET \/api\/v1\/models /)
    expect(requests[0]?.head).toContain('authorization: Bearer token-1')
  })

  it('counts tokens', async () => {
    const { api, requests } = await setUp([{ object: 'tokens', tokens: 2, characters: 10 }])
    expect(await api.countTokens('GigaChat-2', ['привет'], NEVER)).toMatchObject([{ tokens: 2, characters: 10 }])
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({ model: 'GigaChat-2', input: ['привет'] })
  })

  it('tells the balance', async () => {
    const { api } = await setUp({ balance: [{ usage: 'GigaChat-Pro', value: 991_490 }] })
    expect(await api.balance(NEVER)).toEqual([{ usage: 'GigaChat-Pro', value: 991_490 }])
  })

  it('gives embeddings in the order of the input', async () => {
    const { api } = await setUp({ object: 'list', model: 'Embeddings', data: [makeItem(1), makeItem(0)] })
    expect((await api.embed('Embeddings', ['a', 'b'], NEVER)).map(({ embedding }) => embedding)).toEqual([[0], [1]])
  })

  it.each([
    [403, { status: 403, message: 'Permission denied' }, 'llm_forbidden', 'GigaChat answered 403: Permission denied'],
    [200, { status: 429, message: 'Too many requests' }, 'llm_rate_limited', 'GigaChat answered 429: Too many requests'],
    [502, Buffer.from('<html>'), 'llm_model_unavailable', 'GigaChat answered 502'],
    [200, { balance: [{ usage: 1 }] }, 'llm_bad_response', "GigaChat's reply has not the expected shape: balance.0.usage, balance.0.value"],
    [200, [], 'llm_bad_response', "GigaChat's reply has not the expected shape: (all of it)"],
    [200, Buffer.from('<html>'), 'llm_bad_response', "GigaChat's reply to GET /balance is not JSON"],
  ])('throws for %i %j', async (status, reply, code, message) => {
    const { api } = await setUp(reply, status)
    await expect(api.balance(NEVER)).rejects.toMatchObject({ code, message })
  })

  it('drops the token after a 401, so that the next request gets a new one', async () => {
    const { api, authServer } = await setUpScript((socket, { head }) =>
      socket.write(
        head.includes('token-1') ? httpResponse(401, '{"status":401,"message":"Token has expired"}') : httpResponse(200, '{"balance":[]}'),
      ),
    )
    await expect(api.balance(NEVER)).rejects.toMatchObject({ code: 'llm_unauthorized', retryable: true })
    expect(await api.balance(NEVER)).toEqual([])
    expect(authServer.requests).toHaveLength(2)
  })

  it.each<[string, Script, string]>([
    ['breaks', (socket) => socket.resetAndDestroy(), 'llm_connection_lost'],
    ['is too large', (socket) => socket.write(httpResponse(200, Buffer.alloc(5_000, ' '))), 'answer_too_large'],
    ['cannot be decoded', (socket) => socket.write(httpResponse(200, '{}', { 'content-encoding': 'br' })), 'llm_bad_response'],
  ])('throws when the reply %s', async (_name, script, code) => {
    const { api } = await setUpScript(script, { maxAnswerBytes: 4_000 })
    await expect(api.balance(NEVER)).rejects.toMatchObject({ code })
  })

  it('throws for an abort', async () => {
    const { api } = await setUp({})
    await expect(api.balance(AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' })
  })
})

describe(GigaChatFiles.name, () => {
  it('uploads a file with its name and type', async () => {
    const { api, requests } = await setUp(FILE)
    const upload = { name: 'отчёт "1".txt', mediaType: 'text/plain', content: Buffer.from('abc') }
    expect(await api.files.upload(upload, NEVER)).toMatchObject({ id: 'f/1', bytes: 3 })
    const [, boundary] = /content-type: multipart\/form-data; boundary=(\S+)/.exec(requests[0]?.head ?? '') ?? []
    expect(requests[0]?.body).toBe(
      `--${boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\ngeneral\r\n` +
        `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="отчёт %221%22.txt"\r\nContent-Type: text/plain\r\n\r\nabc\r\n--${boundary}--\r\n`,
    )
  })

  it('lists files', async () => {
    const { api } = await setUp({ data: [FILE] })
    expect(await api.files.list(NEVER)).toEqual([FILE])
  })

  it('describes a file', async () => {
    const { api, requests } = await setUp(FILE)
    expect(await api.files.get('f/1', NEVER)).toEqual(FILE)
    expect(requests[0]?.head).toMatch(/^GET \/api\/v1\/files\/f%2F1 /)
  })

  it('gives the content of a file as it is, also where it looks like JSON', async () => {
    const { api, requests } = await setUp(Buffer.from('{"any":"bytes"}'))
    expect((await api.files.content('f', NEVER)).toString()).toBe('{"any":"bytes"}')
    expect(requests[0]?.head).toMatch(/^GET \/api\/v1\/files\/f\/content /)
  })

  it('deletes a file', async () => {
    const { api, requests } = await setUp({ id: 'f', deleted: true })
    expect(await api.files.delete('f', NEVER)).toBe(true)
    expect(requests[0]?.head).toMatch(/^POST \/api\/v1\/files\/f\/delete /)
  })
})
