import { GigaChat } from 'gigachat'
import { describe, expect, it, vi } from 'vitest'
import { expectedAnswer } from '../../../apps/simulator/src/expected-answer.js'
import { openSimulator } from '../../../apps/simulator/src/testing/open-simulator.js'
import type { SettingsPatch } from '../../../apps/simulator/src/settings.schema.js'

/**
 * The official SDK (0.0.20) as a witness: what it can read is shaped as the real service answers. Its declarations import without
 * extensions, so under `nodenext` its replies are of type any.
 */
async function openSdk(settings: SettingsPatch = {}, scope = 'GIGACHAT_API_CORP') {
  // It reports every token on the console.
  vi.spyOn(console, 'info').mockImplementation(() => undefined)
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const simulator = await openSimulator(settings)
  const sdk = new GigaChat({
    baseUrl: `${simulator.url}/api/v1`,
    authUrl: `${simulator.url}/api/v2/oauth`,
    credentials: Buffer.from('sdk:secret').toString('base64'),
    scope,
    model: 'GigaChat-2',
    timeout: 10,
  })
  return { simulator, sdk }
}

const ANSWER = expectedAnswer([{ role: 'user', content: 'Как дела?' }])

describe('official TypeScript SDK', () => {
  it('chats, with the ids of the response', async () => {
    const { sdk } = await openSdk()

    const reply = await sdk.chat('Как дела?')

    expect(reply.choices[0]?.message.content).toBe(ANSWER)
    expect(reply.usage).toEqual({ prompt_tokens: 4, completion_tokens: 11, total_tokens: 15, precached_prompt_tokens: 0 })
    expect(reply.xHeaders.xRequestID).toMatch(/^[0-9a-f-]{36}$/)
    expect(reply.xHeaders.xSessionID).toMatch(/^[0-9a-f-]{36}$/)
  })

  it.each(['access_token', 'tok'] as const)('understands the token reply %s', async (replyShape) => {
    const { sdk } = await openSdk({ oauth: { replyShape } })

    expect((await sdk.chat('Как дела?')).choices[0]?.message.content).toBe(ANSWER)
  })

  it('streams to the end', async () => {
    const { sdk } = await openSdk()
    let text = ''
    let reason: string | undefined

    for await (const chunk of sdk.stream('Как дела?')) {
      text += chunk.choices[0]?.delta.content ?? ''
      reason = chunk.choices[0]?.finish_reason ?? reason
    }

    expect([text, reason]).toEqual([ANSWER, 'stop'])
  })

  it('gets a new token after a 401 in use', async () => {
    const { sdk, simulator } = await openSdk()
    await sdk.chat('one')
    await simulator.control('POST', '/revoke-tokens')

    await sdk.chat('two')

    expect(await simulator.summary()).toMatchObject({ oauth_calls: 2, by_status: { 200: 4, 401: 1 } })
  })

  it('calls functions', async () => {
    const { sdk } = await openSdk()
    const functions = [{ name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string', enum: ['Omsk'] } } } }]

    const reply = await sdk.chat({ messages: [{ role: 'user', content: '[[function:weather]]' }], functions, function_call: 'auto' })

    expect(reply.choices[0]).toMatchObject({
      finish_reason: 'function_call',
      message: { function_call: { name: 'weather', arguments: { city: 'Omsk' } } },
    })
  })

  it('embeds', async () => {
    const { sdk } = await openSdk()

    const { data } = (await sdk.embeddings(['one', 'two'])) as {
      data: { index: number; embedding: number[]; usage: { prompt_tokens: number } }[]
    }

    expect(data.map(({ index, embedding, usage }) => [index, embedding.length, usage.prompt_tokens])).toEqual([
      [0, 1024, 1],
      [1, 1024, 1],
    ])
  })

  it('lists models and counts tokens', async () => {
    const { sdk } = await openSdk()

    expect((await sdk.getModels()).data).toContainEqual({ id: 'GigaChat-2-Max', object: 'model', owned_by: 'salutedevices', type: 'chat' })
    expect(await sdk.getModel('GigaChat')).toMatchObject({ id: 'GigaChat', owned_by: 'salutedevices' })
    expect((await sdk.tokensCount(['0123456789'])).tokens).toEqual([{ object: 'tokens', tokens: 3, characters: 10 }])
  })

  it('uploads, lists, reads and deletes files', async () => {
    const { sdk } = await openSdk()

    const file = await sdk.uploadFile(new File(['привет'], 'отчёт.txt', { type: 'text/plain' }))

    expect(file).toMatchObject({ bytes: 12, filename: 'отчёт.txt', purpose: 'general' })
    expect((await sdk.getFiles()).data).toHaveLength(1)
    expect(await sdk.getFile(file.id)).toMatchObject({ id: file.id })
    expect((await sdk.getImage(file.id)).content).toBe(Buffer.from('привет').toString('latin1'))
    expect(await sdk.deleteFile(file.id)).toMatchObject({ id: file.id, deleted: true })
    expect((await sdk.getFiles()).data).toHaveLength(0)
  })

  it('shows the balance of a prepaid account and none of a postpaid one', async () => {
    const prepaid = await openSdk({}, 'GIGACHAT_API_PERS')
    const postpaid = await openSdk()

    expect((await prepaid.sdk.balance()).balance).toContainEqual({ usage: 'GigaChat-Pro', value: 991_490 })
    await expect(postpaid.sdk.balance()).rejects.toMatchObject({
      response: { status: 403, data: { status: 403, message: 'Permission denied' } },
    })
  })

  it('runs a batch', async () => {
    const { sdk } = await openSdk({ batches: { createdMs: 0, inProgressMs: 0 } })

    const { id } = await sdk.chatsBatch([{ id: 'one', request: { messages: [{ role: 'user', content: 'Как дела?' }] } }])

    const status = await sdk.getBatchStatus(id)
    expect(status).toMatchObject({ status: 'completed', request_counts: { total: 1, completed: 1, failed: 0 } })
    const { content } = await sdk.getBatch(status.output_file_id)
    expect(content).toMatchObject([{ id: 'one', result: { choices: [{ message: { content: ANSWER } }] } }])
    expect((await sdk.getBatches()).data).toHaveLength(1)
  })

  it('checks who wrote a text', async () => {
    const { sdk } = await openSdk()

    expect(await sdk.aiCheck('слово '.repeat(30), 'GigaCheckClassification')).toMatchObject({ characters: 180, tokens: 52 })
  })

  it('takes a 429 in a 200 for an answer, which is why the service does not use it', async () => {
    const { sdk, simulator } = await openSdk()
    await simulator.fault({ kind: 'error_in_200' })

    expect(await sdk.chat('one')).toMatchObject({ status: 429, message: 'Too many requests' })
  })
})
