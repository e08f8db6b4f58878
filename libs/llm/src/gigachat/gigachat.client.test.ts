import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { TaskError, type SendResult } from '#libs/kernel'
import { makeIdentity } from '../testing/certificates.js'
import { ANSWER_TEXT, ATTEMPT_ID, makeCall, streamFrames } from '../testing/factories.js'
import { issueTokens, setUpGigaChat, tokenReply } from '../testing/gigachat.setup.js'
import { chunked, httpResponse, STREAM_END, STREAM_HEAD, type Script } from '../testing/scripted.server.js'
import { GigaChatClient } from './gigachat.client.js'

const STREAMED = makeCall({ stream: true })

function answerOf(result: SendResult) {
  if (result.kind !== 'answered') throw new Error(`expected an answer, got ${JSON.stringify(result)}`)
  return result.answer
}

function reply(status: number, body: string | Buffer, headers?: Record<string, string>): Script {
  return (socket) => socket.write(httpResponse(status, body, headers))
}

/** Writes the stream in pieces of this many bytes, each in a chunk of its own. */
function stream(frames: readonly string[], { pieceBytes = 1_000, end = STREAM_END }: { pieceBytes?: number; end?: string } = {}): Script {
  return (socket) => {
    const bytes = Buffer.from(frames.join(''))
    socket.write(STREAM_HEAD)
    for (let start = 0; start < bytes.length; start += pieceBytes) socket.write(chunked(bytes.subarray(start, start + pieceBytes)))
    if (end) socket.write(end)
    else socket.end()
  }
}

describe(GigaChatClient.name, () => {
  it('sends one request with the token and the attempt id, and reads the answer', async () => {
    const { client, chatServer, authServer, send } = await setUpGigaChat(onTestFinished, {
      chat: reply(200, ANSWER_TEXT, { 'X-Request-Id': ATTEMPT_ID }),
    })
    const answer = answerOf(await send(makeCall({ sessionId: 's-1' })))
    expect(answer).toMatchObject({ status: 200, headers: { 'x-request-id': ATTEMPT_ID }, body: Buffer.from(ANSWER_TEXT) })
    expect(client.parse(answer)).toMatchObject({ text: 'Привет', finishReason: 'stop', model: 'GigaChat:2.0.28.2' })
    const [request] = chatServer.requests
    expect(request?.head).toMatch(/^POST \/api\/v1\/chat\/completions HTTP\/1\.1/)
    expect(request?.head).toContain(`x-request-id: ${ATTEMPT_ID}`)
    expect(request?.head).toContain('x-session-id: s-1')
    expect(request?.head).toContain('authorization: Bearer token-1')
    expect(JSON.parse(request?.body ?? '')).toEqual({
      model: 'GigaChat-2',
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 100,
    })
    expect(authServer.requests[0]?.head).toMatch(/authorization: Basic a2V5\r\nrquid: [0-9a-f-]{36}/)
    expect(authServer.requests[0]?.body).toBe('scope=GIGACHAT_API_PERS')
  })

  it('knows the context windows of its models', async () => {
    const { client } = await setUpGigaChat(onTestFinished, { env: { LLM_CONTEXT_WINDOWS: 'own=5' } })
    expect([client.contextWindow('own'), client.contextWindow('GigaChat-2'), client.contextWindow('other')]).toEqual([
      5,
      128_000,
      undefined,
    ])
  })

  describe('tokens', () => {
    it('asks once for a token when 50 parallel calls get a 401', async () => {
      const { authServer, send } = await setUpGigaChat(onTestFinished, {
        chat: (socket, { head }) =>
          socket.write(
            head.includes('Bearer token-2')
              ? httpResponse(200, ANSWER_TEXT)
              : httpResponse(401, '{"status":401,"message":"Token has expired"}'),
          ),
      })
      const first = await Promise.all(Array.from({ length: 50 }, () => send()))
      expect(new Set(first.map((result) => result.kind === 'refused' && result.error.retryable && result.error.code))).toEqual(
        new Set(['llm_unauthorized']),
      )
      const second = await Promise.all(Array.from({ length: 50 }, () => send()))
      expect(second.every(({ kind }) => kind === 'answered')).toBe(true)
      expect(authServer.requests).toHaveLength(2)
    })

    it.each<[string, Script, string, boolean]>([
      ['refuses the key', reply(401, '{"code":6,"message":"credentials doesn\'t match db data"}'), 'llm_auth_failed', true],
      ['refuses the scope', reply(400, '{"code":7,"message":"scope from db not fully includes consumed scope"}'), 'llm_auth_failed', true],
      [
        'is asked too often',
        reply(429, '{"code":429,"message":"Too Many Requests"}', { 'retry-after': '3' }),
        'llm_auth_unavailable',
        true,
      ],
      ['is asked too often and says so in a 200', reply(200, '{"status":429,"message":"Too Many Requests"}'), 'llm_auth_unavailable', true],
      ['is down', reply(503, '<html>'), 'llm_auth_unavailable', true],
      ['sends no token', reply(200, '{}'), 'llm_auth_unavailable', true],
      ['sends something that cannot be decoded', reply(200, 'x', { 'content-encoding': 'gzip' }), 'llm_auth_unavailable', true],
      ['sends a huge reply', reply(200, Buffer.alloc(100_000)), 'llm_auth_unavailable', true],
      ['breaks off', (socket) => socket.resetAndDestroy(), 'llm_auth_unavailable', true],
    ])('does not send when the token endpoint %s', async (_name, auth, code, retryable) => {
      const { chatServer, send } = await setUpGigaChat(onTestFinished, { auth })
      const result = await send()
      expect(result).toMatchObject({ kind: 'not_sent', error: { code, retryable } })
      expect(JSON.stringify(result)).not.toContain('a2V5')
      expect(chatServer.requests).toHaveLength(0)
    })

    it('waits as long as the token endpoint asks', async () => {
      const { authServer, send } = await setUpGigaChat(onTestFinished, { auth: reply(429, '{}', { 'retry-after': '3' }) })
      await send()
      expect(await send()).toMatchObject({ kind: 'not_sent', error: { retryAfterMs: expect.any(Number) } })
      expect(authServer.requests).toHaveLength(1)
    })

    it('gives up waiting for a token on an abort, and the token still serves the others', async () => {
      const { chatServer, authServer, send } = await setUpGigaChat(onTestFinished, { auth: () => undefined, chat: reply(200, ANSWER_TEXT) })
      const abort = new AbortController()
      const aborted = send(makeCall(), abort.signal)
      const other = send()
      await authServer.until(({ requests }) => requests.length === 1)
      const reason = TaskError.unavailable('cancelled', 'no longer wanted')
      abort.abort(reason)
      expect(await aborted).toEqual({ kind: 'not_sent', error: reason })
      for (const socket of authServer.sockets) socket.write(tokenReply('late'))
      expect(await other).toMatchObject({ kind: 'answered' })
      expect(chatServer.requests).toHaveLength(1)
    })

    it('logs in with user and password where those are given', async () => {
      const { authServer } = await setUpGigaChat(onTestFinished, {})
      const { send, chatServer } = await setUpGigaChat(onTestFinished, {
        chat: (socket, { head }) =>
          socket.write(
            head.includes('/token') ? httpResponse(200, `{"tok":"t","exp":${Date.now() / 1_000 + 60}}`) : httpResponse(200, ANSWER_TEXT),
          ),
        env: { GIGACHAT_CREDENTIALS: '', GIGACHAT_USER: 'ann', GIGACHAT_PASSWORD: 'secret' },
      })
      expect(await send()).toMatchObject({ kind: 'answered' })
      expect(chatServer.requests[0]?.head).toMatch(/^POST \/api\/v1\/token /)
      expect(chatServer.requests[0]?.head).toContain(`authorization: Basic ${Buffer.from('ann:secret').toString('base64')}`)
      expect(chatServer.requests[1]?.head).toContain('authorization: Bearer t\r\n'.trimEnd())
      expect(authServer.requests).toHaveLength(0)
    })

    it('sends no token where the client certificate is enough', async () => {
      const { certPem, keyPem } = makeIdentity('client')
      const { authServer, chatServer, send } = await setUpGigaChat(onTestFinished, {
        chat: reply(200, ANSWER_TEXT),
        env: { GIGACHAT_CREDENTIALS: '', GIGACHAT_CERT: certPem, GIGACHAT_KEY: keyPem },
      })
      expect(await send()).toMatchObject({ kind: 'answered' })
      expect(chatServer.requests[0]?.head).not.toContain('authorization')
      expect(authServer.requests).toHaveLength(0)
    })

    it('uses a given token, and keeps it after a 401', async () => {
      const { authServer, chatServer, send } = await setUpGigaChat(onTestFinished, {
        chat: reply(401, '{"status":401,"message":"no"}'),
        env: { GIGACHAT_ACCESS_TOKEN: 'given' },
      })
      await send()
      expect(await send()).toMatchObject({ kind: 'refused', error: { code: 'llm_unauthorized' } })
      expect(chatServer.requests[1]?.head).toContain('authorization: Bearer given')
      expect(authServer.requests).toHaveLength(0)
    })
  })

  describe('whole answers', () => {
    it.each<[string, Script, string, boolean]>([
      [
        'an error status',
        reply(422, '{"status":422,"message":"Requested model does not support functions"}\n'),
        'llm_unprocessable',
        false,
      ],
      ['a 429 in a 200', reply(200, '{"status":429,"message":"Too many requests"}'), 'llm_rate_limited', true],
      ['an HTML page with a 502', reply(502, '<html>Bad Gateway</html>', { 'content-type': 'text/html' }), 'llm_model_unavailable', true],
      ['an HTML page with a 200', reply(200, '\n<!DOCTYPE html>', { 'content-type': 'text/html' }), 'llm_model_unavailable', true],
      ['an empty 503', reply(503, ''), 'llm_model_unavailable', true],
      ['a 500 that cannot be decoded', reply(500, 'x', { 'content-encoding': 'gzip' }), 'llm_server_error', true],
    ])('are refused when they are %s', async (_name, chat, code, retryable) => {
      const { send } = await setUpGigaChat(onTestFinished, { chat })
      expect(await send()).toMatchObject({ kind: 'refused', error: { code, retryable }, answer: { body: expect.any(Buffer) } })
    })

    it('says what the provider said, with the wait that it asks for', async () => {
      const { send } = await setUpGigaChat(onTestFinished, {
        chat: reply(429, '{"status":429,"message":"Too many requests"}', { 'retry-after': '9' }),
      })
      expect(await send()).toMatchObject({ error: { message: 'GigaChat answered 429: Too many requests', retryAfterMs: 9_000 } })
    })

    it.each<[string, Script]>([
      ['hold the word status in their text', reply(200, ANSWER_TEXT.replace('Привет', '\\"status\\":429'))],
      ['are JSON of another shape', reply(200, '{"result":"x"}')],
      ['are JSON with a good status', reply(200, '{"status":200}')],
      ['are cut JSON', reply(200, '{"status":4')],
      ['are empty', reply(200, '')],
      ['are compressed all the same', reply(200, gzipSync(ANSWER_TEXT), { 'content-encoding': 'gzip' })],
      ['cannot be decoded', reply(200, 'x', { 'content-encoding': 'gzip' })],
    ])('are answers, bought and stored, when they %s', async (_name, chat) => {
      const { send } = await setUpGigaChat(onTestFinished, { chat })
      expect(await send()).toMatchObject({ kind: 'answered' })
    })

    it.each<[string, Script]>([
      ['as they come', reply(200, Buffer.alloc(3_000, 'x'))],
      ['only when decompressed', reply(200, gzipSync(Buffer.alloc(10_000_000)).subarray(0), { 'content-encoding': 'gzip' })],
    ])('are too large %s', async (_name, chat) => {
      const maxAnswerBytes = _name === 'as they come' ? 2_000 : 20_000
      const { send } = await setUpGigaChat(onTestFinished, { chat, limits: { maxAnswerBytes } })
      expect(await send()).toMatchObject({
        kind: 'answer_too_large',
        error: { code: 'answer_too_large', retryable: false },
        sizeBytes: expect.any(Number),
      })
    })

    it('are perhaps paid when they break off, with what had come', async () => {
      const { send } = await setUpGigaChat(onTestFinished, {
        chat: (socket) => socket.end(httpResponse(200, ANSWER_TEXT).subarray(0, -10)),
      })
      expect(await send()).toMatchObject({
        kind: 'maybe_paid',
        error: { code: 'llm_connection_lost' },
        partial: expect.stringContaining('Привет'),
      })
    })

    it('are perhaps paid when nothing comes', async () => {
      const { send } = await setUpGigaChat(onTestFinished, { chat: (socket) => socket.resetAndDestroy() })
      const result = await send()
      expect(result).toMatchObject({ kind: 'maybe_paid', error: { code: 'llm_connection_lost', retryable: true } })
      expect(result).not.toHaveProperty('partial')
    })

    it('are perhaps paid when one carries the id of another request, whose text is not shown', async () => {
      const { chatServer, send } = await setUpGigaChat(onTestFinished, { chat: reply(200, ANSWER_TEXT, { 'x-request-id': 'of another' }) })
      const result = await send()
      expect(result).toMatchObject({ kind: 'maybe_paid', error: { code: 'llm_bad_response', retryable: true } })
      expect(result).not.toHaveProperty('partial')
      await chatServer.until(({ sockets }) => sockets.size === 0)
    })
  })

  describe('streamed answers', () => {
    const pieces = ['При', 'вет, ', 'мир 🙂']

    it.each([1, 2, 7, 1_000])('are collected when they come %i bytes at a time', async (pieceBytes) => {
      const { client, chatServer, send } = await setUpGigaChat(onTestFinished, { chat: stream(streamFrames(pieces), { pieceBytes }) })
      const answer = answerOf(await send(STREAMED))
      expect(client.parse(answer)).toMatchObject({ text: 'Привет, мир 🙂', finishReason: 'stop', usage: { total_tokens: 20 } })
      expect(answer.body.toString()).toBe(streamFrames(pieces).join(''))
      expect(chatServer.requests[0]?.head).toContain('accept: text/event-stream')
    })

    it.each<[string, Script]>([
      ['without [DONE]', stream(streamFrames(pieces, { done: false }))],
      ['whose connection breaks before [DONE], when all of the text has come', stream(streamFrames(pieces, { done: false }), { end: '' })],
      ['whose connection breaks after [DONE]', stream(streamFrames(pieces), { end: '' })],
      [
        'that are compressed',
        reply(200, gzipSync(streamFrames(pieces).join('')), { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }),
      ],
      ['that come as JSON', reply(200, ANSWER_TEXT)],
    ])('are answers also %s', async (_name, chat) => {
      const { client, send } = await setUpGigaChat(onTestFinished, { chat })
      expect(client.parse(answerOf(await send(STREAMED))).text).toContain('Привет')
    })

    it('frees the stream soon when the connection stays open after [DONE]', async () => {
      const { chatServer, send } = await setUpGigaChat(onTestFinished, {
        chat: (socket) => {
          socket.write(STREAM_HEAD)
          socket.write(chunked(streamFrames(pieces).join('')))
        },
      })
      expect(await send(STREAMED)).toMatchObject({ kind: 'answered' })
      await chatServer.until(({ sockets }) => sockets.size === 0)
    })

    const begun = streamFrames(pieces).slice(0, 2)
    it.each<[string, Script, string]>([
      ['end early', stream(begun), 'llm_connection_lost'],
      ['break off', stream(begun, { end: '' }), 'llm_connection_lost'],
      ['carry an error', stream([...begun, 'data: {"status_code":500,"message":"Internal"}\n\n']), 'llm_server_error'],
      ['carry a refusal after some text', stream([...begun, 'data: {"status":429,"message":"Too many requests"}\n\n']), 'llm_rate_limited'],
      ['carry an error without a status', stream([...begun, 'data: {"message":"oops"}\n\n']), 'llm_connection_lost'],
      ['carry something that is not JSON', stream([...begun, 'data: oops\n\n', ...streamFrames(pieces)]), 'llm_connection_lost'],
    ])('are perhaps paid, with the text so far, when they %s', async (_name, chat, code) => {
      const { send } = await setUpGigaChat(onTestFinished, { chat })
      expect(await send(STREAMED)).toMatchObject({ kind: 'maybe_paid', error: { code, retryable: true }, partial: 'Привет, ' })
    })

    it('are perhaps paid when they stall', async () => {
      const { send } = await setUpGigaChat(onTestFinished, {
        chat: (socket) => {
          socket.write(STREAM_HEAD)
          socket.write(chunked(begun.join('')))
        },
        limits: { idleTimeoutMs: 80 },
      })
      expect(await send(STREAMED)).toMatchObject({ kind: 'maybe_paid', error: { code: 'llm_timeout' }, partial: 'Привет, ' })
    })

    it.each([500, 429])('are perhaps paid when nothing but an error %i comes: the stream had begun', async (status) => {
      const { send } = await setUpGigaChat(onTestFinished, { chat: stream([`data: {"status_code":${status},"message":"x"}\n\n`]) })
      const result = await send(STREAMED)
      expect(result).toMatchObject({ kind: 'maybe_paid', error: { details: { status } } })
      expect(result).not.toHaveProperty('partial')
    })

    it('are refused when the error is no event', async () => {
      const body = '{"status":429,"message":"Too many requests"}'
      const { send } = await setUpGigaChat(onTestFinished, { chat: reply(200, body, { 'content-type': 'text/event-stream' }) })
      expect(await send(STREAMED)).toMatchObject({ kind: 'refused', error: { code: 'llm_rate_limited' } })
    })

    it('are refused when an error comes before the stream', async () => {
      const { send } = await setUpGigaChat(onTestFinished, { chat: reply(404, '{"status":404,"message":"No such model"}') })
      expect(await send(STREAMED)).toMatchObject({ kind: 'refused', error: { code: 'llm_model_not_found' } })
    })
  })

  it('never throws: a request that cannot be made is not sent', async () => {
    const { send, chatServer } = await setUpGigaChat(onTestFinished, { auth: issueTokens })
    const cyclic: Record<string, never> = {}
    cyclic.self = cyclic as never
    expect(await send(makeCall({ messages: [cyclic as never] }))).toMatchObject({
      kind: 'not_sent',
      error: { code: 'internal' },
    })
    expect(chatServer.requests).toHaveLength(0)
  })
})
