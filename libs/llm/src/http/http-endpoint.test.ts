import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { SystemClock, TaskError } from '#libs/kernel'
import { chunked, httpResponse, ScriptedServer, STREAM_END, STREAM_HEAD, type Script } from '../testing/scripted.server.js'
import { DeadlineWatch } from './deadline.watch.js'
import type { ExchangeLimits, HttpRequest, ResponseObserver } from './exchange.js'
import { HttpEndpoint } from './http-endpoint.js'

const LIMITS: ExchangeLimits = { firstByteTimeoutMs: 5_000, idleTimeoutMs: 5_000, callTimeoutMs: 5_000, maxAnswerBytes: 100_000 }
const POST: HttpRequest = { method: 'POST', path: '/chat', headers: ['x-request-id', '1'], body: '{"a":1}' }

function createEndpoint(
  origin: string,
  limits: Partial<ExchangeLimits> = {},
  { maxConnections = 1, connectTimeoutMs = 5_000 } = {},
): HttpEndpoint {
  const endpoint = new HttpEndpoint(
    {
      origin,
      endpoint: { name: 'GigaChat', settingsPrefix: 'GIGACHAT' },
      maxConnections,
      connectTimeoutMs,
      limits: { ...LIMITS, ...limits },
      tls: { verify: true },
    },
    new DeadlineWatch(new SystemClock()),
  )
  onTestFinished(() => endpoint.close())
  return endpoint
}

async function setUp(script: Script, limits?: Partial<ExchangeLimits>, maxConnections = 1) {
  const server = await ScriptedServer.start(script, onTestFinished)
  return { server, endpoint: createEndpoint(server.url, limits, { maxConnections }) }
}

/** A port on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address ? address.port : 0
}

describe(HttpEndpoint.name, () => {
  describe('when no byte goes out', () => {
    it('says not_written for a port that refuses', async () => {
      const endpoint = createEndpoint(`http://127.0.0.1:${await closedPort()}`)
      expect(await endpoint.exchange(POST)).toMatchObject({ kind: 'not_written', error: { code: 'llm_unreachable', retryable: true } })
    })

    it('says not_written for a name that does not exist', async () => {
      const endpoint = createEndpoint('http://no-such-host.invalid')
      expect(await endpoint.exchange(POST)).toMatchObject({ kind: 'not_written', error: { code: 'llm_unreachable' } })
    })

    it('says not_written when the TLS handshake hangs longer than the connect timeout', async () => {
      const { server } = await setUp(() => undefined)
      const endpoint = createEndpoint(server.url.replace('http:', 'https:'), {}, { connectTimeoutMs: 200 })
      expect(await endpoint.exchange(POST)).toMatchObject({ kind: 'not_written', error: { code: 'llm_unreachable' } })
    })

    it('says not_written for what must not be sent any more when its connection stands, and serves the next request', async () => {
      const { server, endpoint } = await setUp((socket) => socket.write(httpResponse(200, '{}')))
      const error = TaskError.unavailable('lease_lost', 'the lease is gone')
      const checkMayWrite = vi.fn<() => void>(() => {
        throw error
      })
      const outcome = endpoint.exchange({ ...POST, checkMayWrite })
      expect(checkMayWrite).not.toHaveBeenCalled()
      expect(await outcome).toEqual({ kind: 'not_written', error })
      expect(await endpoint.exchange(POST)).toMatchObject({ kind: 'complete' })
      expect(await endpoint.exchange({ ...POST, checkMayWrite })).toEqual({ kind: 'not_written', error })
      expect(await endpoint.exchange({ ...POST, checkMayWrite: () => {} })).toMatchObject({ kind: 'complete' })
      expect(server.requests).toHaveLength(2)
    })

    it('says not_written for a signal that was aborted before, with its reason', async () => {
      const { server, endpoint } = await setUp(() => undefined)
      const reason = TaskError.unavailable('lease_lost', 'the lease is gone')
      expect(await endpoint.exchange(POST, AbortSignal.abort(reason))).toEqual({ kind: 'not_written', error: reason })
      expect(server.connections).toBe(0)
    })

    it('says not_written for an abort while the connection is opened, and serves the next request', async () => {
      const { server, endpoint } = await setUp((socket) => socket.write(httpResponse(200, '{}')))
      const abort = new AbortController()
      const outcome = endpoint.exchange(POST, abort.signal)
      abort.abort()
      expect(await outcome).toMatchObject({ kind: 'not_written', error: { code: 'cancelled' } })
      expect(await endpoint.exchange(POST)).toMatchObject({ kind: 'complete' })
      expect(server.requests).toHaveLength(1)
    })

    it('says not_written for an abort or a deadline while it waits for a free connection', async () => {
      const { server, endpoint } = await setUp(() => undefined, { callTimeoutMs: 200 })
      const first = endpoint.exchange(POST)
      const abort = new AbortController()
      const aborted = endpoint.exchange(POST, abort.signal)
      const late = endpoint.exchange(POST)
      await server.until(({ requests }) => requests.length === 1)
      abort.abort()
      expect(await aborted).toMatchObject({ kind: 'not_written', error: { code: 'cancelled' } })
      expect(await late).toMatchObject({ kind: 'not_written', error: { code: 'llm_timeout' } })
      expect(await first).toMatchObject({ kind: 'broken', error: { code: 'llm_timeout' } })
      expect(server.requests).toHaveLength(1)
    })

    it('opens a new connection when the server has closed the idle one', async () => {
      const { server, endpoint } = await setUp((socket, _request, number) => {
        socket.write(httpResponse(200, `{"number":${number}}`))
        if (number === 1) socket.end()
      })
      await endpoint.exchange(POST)
      await server.until(({ sockets }) => sockets.size === 0)
      expect(await endpoint.exchange(POST)).toMatchObject({ kind: 'complete', response: { body: Buffer.from('{"number":2}') } })
      expect([server.connections, server.requests.length]).toEqual([2, 2])
    })

    it('says not_written for a header that cannot be sent', async () => {
      const { endpoint } = await setUp(() => undefined)
      const outcome = await endpoint.exchange({ ...POST, headers: ['x-session-id', 'a\r\nb: c'] })
      expect(outcome).toMatchObject({ kind: 'not_written', error: { code: 'internal', retryable: false } })
    })

    it('ends waiting and coming requests when it is closed', async () => {
      const { server, endpoint } = await setUp(() => undefined)
      const running = endpoint.exchange(POST)
      const waiting = endpoint.exchange(POST)
      await server.until(({ requests }) => requests.length === 1)
      await endpoint.close()
      expect(await running).toMatchObject({ kind: 'broken', error: { code: 'shutdown' } })
      expect(await waiting).toMatchObject({ kind: 'not_written', error: { code: 'shutdown' } })
      expect(await endpoint.exchange(POST)).toMatchObject({ kind: 'not_written', error: { code: 'shutdown' } })
    })
  })

  describe('when bytes went out and no complete response came', () => {
    const full = httpResponse(200, '{"choices":[]}')
    it.each<[string, Script, string | undefined]>([
      ['resets after the request', (socket) => socket.resetAndDestroy(), undefined],
      ['closes after the request', (socket) => socket.end(), undefined],
      ['resets inside the head', (socket) => socket.write(full.subarray(0, 20), () => socket.resetAndDestroy()), undefined],
      ['closes inside the head', (socket) => socket.end(full.subarray(0, 20)), undefined],
      ['closes inside the body', (socket) => socket.end(full.subarray(0, -3)), '{"choices":'],
      ['closes inside a chunk', (socket) => socket.end(`${STREAM_HEAD}5\r\nabc`), 'abc'],
      ['closes before the last chunk', (socket) => socket.end(Buffer.concat([Buffer.from(STREAM_HEAD), chunked('abc')])), 'abc'],
      ['answers with something that is not HTTP', (socket) => socket.end('220 mail.example.com ESMTP\r\n'), undefined],
    ])('says broken when the server %s, and sends once', async (_name, script, partial) => {
      const { server, endpoint } = await setUp((socket, request, number) => {
        if (number === 1) script(socket, request, number)
        else socket.write(httpResponse(200, '{}'))
      })
      const outcome = await endpoint.exchange(POST)
      expect(outcome).toMatchObject({ kind: 'broken', error: { code: 'llm_connection_lost', retryable: true } })
      expect(outcome.kind === 'broken' ? outcome.response?.body.toString() : '').toBe(partial)
      // The connection's next request is the second one that the server sees: the first was not repeated.
      expect(await endpoint.exchange(POST)).toMatchObject({ kind: 'complete' })
      expect(server.requests).toHaveLength(2)
    })

    it('sends once when the server closes a used connection under the request', async () => {
      const { server, endpoint } = await setUp((socket, _request, number) => {
        if (number === 2) socket.resetAndDestroy()
        else socket.write(httpResponse(200, `{"number":${number}}`))
      })
      await endpoint.exchange(POST)
      expect(await endpoint.exchange(POST)).toMatchObject({ kind: 'broken', error: { code: 'llm_connection_lost' } })
      expect(server.connections).toBe(1)
      expect(await endpoint.exchange(POST)).toMatchObject({ kind: 'complete', response: { body: Buffer.from('{"number":3}') } })
    })

    it.each<[string, Script, Partial<ExchangeLimits>, RegExp]>([
      ['sends nothing', () => undefined, { firstByteTimeoutMs: 60 }, /sent no byte of an answer within 60 ms/],
      [
        'sends a head and no body',
        (socket) => socket.write(STREAM_HEAD),
        { firstByteTimeoutMs: 60, idleTimeoutMs: 10 },
        /sent no byte of an answer within 60 ms/,
      ],
      ['stops inside the body', (socket) => socket.write(full.subarray(0, -3)), { idleTimeoutMs: 60 }, /silent for 60 ms in the middle/],
      ['drips', (socket) => drip(socket), { idleTimeoutMs: 2_000, callTimeoutMs: 250 }, /did not finish within 250 ms/],
    ])('closes the socket when the server %s for too long', async (_name, script, limits, message) => {
      const { server, endpoint } = await setUp(script, limits)
      expect(await endpoint.exchange(POST)).toMatchObject({
        kind: 'broken',
        error: { code: 'llm_timeout', retryable: true, message: expect.stringMatching(message) },
      })
      await server.until(({ sockets }) => sockets.size === 0)
      expect(server.requests).toHaveLength(1)
    })

    it('closes the socket on an abort, so that the server sees it', async () => {
      const { server, endpoint } = await setUp((socket) => socket.write(full.subarray(0, -3)))
      const abort = new AbortController()
      const { promise: seen, resolve } = Promise.withResolvers<void>()
      const observer: ResponseObserver = { start: () => undefined, data: () => (resolve(), 'more') }
      const outcome = endpoint.exchange(POST, abort.signal, observer)
      await seen
      const reason = TaskError.unavailable('shutdown', 'stopping')
      abort.abort(reason)
      expect(await outcome).toMatchObject({ kind: 'broken', error: reason, response: { body: Buffer.from('{"choices":') } })
      await server.until(({ sockets }) => sockets.size === 0)
    })

    it('closes the socket when the observer says that the response is not ours', async () => {
      const { server, endpoint } = await setUp((socket) => socket.write(full))
      const foreign = TaskError.unavailable('llm_bad_response', 'not ours')
      expect(await endpoint.exchange(POST, undefined, { start: () => foreign, data: () => 'more' })).toMatchObject({
        kind: 'broken',
        error: foreign,
      })
      await server.until(({ sockets }) => sockets.size === 0)
    })
  })

  describe('when a complete response comes', () => {
    it.each<[string, Script]>([
      ['with its length', (socket) => socket.write(httpResponse(200, '{"a":1}'))],
      [
        'in chunks',
        (socket) => socket.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunked('{"a"'), chunked(':1}'), Buffer.from(STREAM_END)])),
      ],
      ['until the connection ends', (socket) => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"a":1}')],
      ['with an error status', (socket) => socket.write(httpResponse(500, '{"a":1}'))],
    ])('gives it %s', async (_name, script) => {
      const { endpoint } = await setUp(script)
      const outcome = await endpoint.exchange(POST)
      expect(outcome).toMatchObject({ kind: 'complete', response: { body: Buffer.from('{"a":1}'), durationMs: expect.any(Number) } })
    })

    it('reuses the connection', async () => {
      const { server, endpoint } = await setUp((socket) => socket.write(httpResponse(200, '{}')))
      for (let count = 0; count < 5; count++) await endpoint.exchange(POST)
      expect([server.connections, server.requests.length]).toEqual([1, 5])
    })

    it('opens as many connections as it may, and serves the rest one after another', async () => {
      const { server, endpoint } = await setUp((socket) => socket.write(httpResponse(200, '{}')), {}, 3)
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => endpoint.exchange(POST)))
      expect(outcomes.every(({ kind }) => kind === 'complete')).toBe(true)
      expect([server.connections, server.requests.length]).toEqual([3, 20])
    })

    it('gives a response that came while the process stood still, past its deadline', async () => {
      const { endpoint } = await setUp(
        (socket) => {
          socket.write(httpResponse(200, '{}'))
          const until = performance.now() + 150
          while (performance.now() < until) continue
        },
        { firstByteTimeoutMs: 100, callTimeoutMs: 100 },
      )
      expect(await endpoint.exchange(POST)).toMatchObject({ kind: 'complete' })
    })

    it('gives a response whose content is complete although its end never comes', async () => {
      const { endpoint } = await setUp((socket) => {
        socket.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunked('all')]))
        setImmediate(() => socket.resetAndDestroy())
      })
      const observer: ResponseObserver = { start: () => undefined, data: () => 'complete' }
      expect(await endpoint.exchange(POST, undefined, observer)).toMatchObject({ kind: 'complete', response: { body: Buffer.from('all') } })
    })
  })

  describe('when the response is too large', () => {
    const endless = Buffer.alloc(64_000, 'x')
    it.each<[string, Script]>([
      ['announced', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 200000000\r\n\r\n{')],
      ['sent in chunks', (socket) => socket.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunked(endless), chunked(endless)]))],
    ])('closes the socket as soon as that is %s', async (_name, script) => {
      const { server, endpoint } = await setUp(script)
      const outcome = await endpoint.exchange(POST)
      expect(outcome).toMatchObject({ kind: 'too_large', sizeBytes: expect.any(Number) })
      expect(outcome.kind === 'too_large' && outcome.sizeBytes).toBeGreaterThan(LIMITS.maxAnswerBytes)
      await server.until(({ sockets }) => sockets.size === 0)
    })
  })
})

function drip(socket: Parameters<Script>[0]): void {
  socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n')
  const timer = setInterval(() => socket.write('.'), 20)
  socket.on('close', () => clearInterval(timer))
}
