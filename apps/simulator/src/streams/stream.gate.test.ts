import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import type { Scope } from '../settings.schema.js'
import { openSimulator } from '../testing/open-simulator.js'
import { StreamGate } from './stream.gate.js'

describe(StreamGate.name, () => {
  it.each<[Scope, number]>([
    ['GIGACHAT_API_PERS', 1],
    ['GIGACHAT_API_B2B', 10],
    ['GIGACHAT_API_CORP', 10],
  ])('of %s lets %i calls run at once and refuses the next', async (scope, limit) => {
    const simulator = await openSimulator({ latency: { kind: 'fixed', ms: 400 } })
    const token = await simulator.token(scope)

    const replies = await Promise.all(
      Array.from({ length: limit + 2 }, (_, index) => simulator.chat('hello', { stream: index % 2 === 0 }, { token })),
    )

    const refused = replies.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(2)
    expect(await refused[0]?.json()).toEqual({ status: 429, message: 'Too many requests' })
    await Promise.all(replies.filter(({ ok }) => ok).map((reply) => reply.text()))
    const { streams } = await simulator.summary()
    expect(streams).toEqual([{ credential: 'client', scope, limit, in_use: 0, max: limit, refused: 2 }])
  })

  it('is free again before the client has the last byte', async () => {
    const simulator = await openSimulator({ streams: { GIGACHAT_API_PERS: 1 } })
    const token = await simulator.token('GIGACHAT_API_PERS')

    for (let call = 0; call < 50; call++) {
      const response = await simulator.chat('hello', { stream: call % 2 === 0 }, { token })
      expect(response.status).toBe(200)
      await response.text()
    }
  })

  it('is free again when the client disconnects while it waits', async () => {
    const simulator = await openSimulator({ latency: { kind: 'fixed', ms: 60_000 } })
    const token = await simulator.token('GIGACHAT_API_PERS')
    const abort = new AbortController()
    const waiting = simulator.chat('hello', {}, { token, signal: abort.signal }).catch((error: Error) => error.name)
    await vi.waitFor(async () => expect(await simulator.summary()).toMatchObject({ open_streams: 1 }))

    abort.abort()

    expect(await waiting).toBe('AbortError')
    await vi.waitFor(async () => expect(await simulator.summary()).toMatchObject({ open_streams: 0 }))
    await simulator.settings({ latency: { kind: 'fixed', ms: 0 } })
    expect((await simulator.chat('hello', {}, { token })).status).toBe(200)
    expect((await simulator.bill())[0]).toMatchObject({ outcome: 'client_gone', paid: false, status: 0 })
  })

  it('is free again when the client leaves in the middle of a stream', async () => {
    const simulator = await openSimulator({ events: { intervalMs: 20 } })
    const response = await simulator.chat('[[answer_bytes:100000]]', { stream: true })
    const reader = response.body!.getReader()
    await reader.read()

    await reader.cancel()

    await vi.waitFor(async () => expect(await simulator.summary()).toMatchObject({ open_streams: 0 }))
    expect((await simulator.bill())[0]).toMatchObject({ outcome: 'client_gone', paid: false, status: 200, stream: true })
  })

  it('stays taken by a client that stops reading but keeps its connection, and counts it as leaked', async () => {
    const simulator = await openSimulator({ streams: { leakAfterMs: 30 }, events: { intervalMs: 10 } })
    const token = await simulator.token()
    const body = JSON.stringify({ model: 'GigaChat-2', stream: true, messages: [{ role: 'user', content: '[[answer_bytes:1000000]]' }] })
    const socket = connect(Number(new URL(simulator.url).port), '127.0.0.1')
    await once(socket, 'connect')
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: s\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    await once(socket, 'data')
    socket.pause()

    await vi.waitFor(async () => expect(await simulator.summary()).toMatchObject({ leaked_streams: 1, open_streams: 1 }))

    socket.destroy()
    await vi.waitFor(async () => expect(await simulator.summary()).toMatchObject({ leaked_streams: 1, open_streams: 0 }))
  })

  it('has the limit of its credential, and none at 0', async () => {
    const simulator = await openSimulator({
      latency: { kind: 'fixed', ms: 100 },
      streams: { GIGACHAT_API_CORP: 0, credentials: { small: 2 } },
    })
    const [small, large] = [await simulator.token('GIGACHAT_API_CORP', 'small'), await simulator.token('GIGACHAT_API_CORP', 'large')]

    const statusesOf = async (token: string): Promise<number[]> =>
      (await Promise.all(Array.from({ length: 15 }, () => simulator.chat('hello', {}, { token })))).map(({ status }) => status)

    expect((await statusesOf(small)).filter((status) => status === 200)).toHaveLength(2)
    expect((await statusesOf(large)).every((status) => status === 200)).toBe(true)
  })
})
