import { describe, expect, it, onTestFinished } from 'vitest'
import { SystemClock, type SendResult } from '#libs/kernel'
import { DeadlineWatch } from '../http/deadline.watch.js'
import type { ExchangeLimits } from '../http/exchange.js'
import { ANSWER_TEXT, ATTEMPT_ID, makeCall, makeSettings } from '../testing/factories.js'
import { httpResponse, ScriptedServer, type Script } from '../testing/scripted.server.js'
import { createGigaChatClient } from './create-gigachat.client.js'
import { GigaChatClient } from './gigachat.client.js'

const LATER_MS = 1_800_000
const NEVER = new AbortController().signal

function tokenReply(token: string): Buffer {
  return httpResponse(200, JSON.stringify({ access_token: token, expires_at: Date.now() + LATER_MS }))
}

interface SetUpOptions {
  readonly chat: Script
  readonly auth?: Script
  readonly env?: Record<string, string>
  readonly limits?: Partial<ExchangeLimits>
}

async function setUp({
  chat,
  auth = (socket, _request, number) => socket.write(tokenReply(`token-${number}`)),
  env,
  limits,
}: SetUpOptions) {
  const chatServer = await ScriptedServer.start(chat, onTestFinished)
  const authServer = await ScriptedServer.start(auth, onTestFinished)
  const settings = makeSettings(
    {
      GIGACHAT_CREDENTIALS: 'a2V5',
      GIGACHAT_BASE_URL: `${chatServer.url}/api/v1`,
      GIGACHAT_AUTH_URL: `${authServer.url}/api/v2/oauth`,
      LLM_MAX_STREAMS: '60',
      ...env,
    },
    limits,
  )
  const clock = new SystemClock()
  const client = createGigaChatClient(settings.gigachat!, settings, new DeadlineWatch(clock), clock)
  onTestFinished(() => client.close())
  return { client, chatServer, authServer, send: (call = makeCall(), signal = NEVER) => client.send(call, signal) }
}

function answerOf(result: SendResult) {
  if (result.kind !== 'answered') throw new Error(`expected an answer, got ${JSON.stringify(result)}`)
  return result.answer
}

describe(GigaChatClient.name, () => {
  it('sends one request with the token and the attempt id, and reads the answer', async () => {
    const { client, chatServer, authServer, send } = await setUp({
      chat: (socket) => socket.write(httpResponse(200, ANSWER_TEXT, { 'X-Request-Id': 'r' })),
    })
    const answer = answerOf(await send(makeCall({ sessionId: 's-1' })))
    expect(answer).toMatchObject({ status: 200, headers: { 'x-request-id': 'r' }, body: Buffer.from(ANSWER_TEXT) })
    expect(client.parse(answer)).toEqual({
      text: 'Привет',
      finishReason: 'stop',
      model: 'GigaChat:2.0.28.2',
      usage: { prompt_tokens: 17, completion_tokens: 3, total_tokens: 20, precached_prompt_tokens: 2 },
    })
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
    expect(authServer.requests[0]?.head).toMatch(/authorization: Basic a2V5\r\nrquid: [0-9a-f-]{36}/i)
    expect(authServer.requests[0]?.body).toBe('scope=GIGACHAT_API_PERS')
  })

  it('asks once for a token when 50 parallel calls get a 401', async () => {
    const { authServer, send } = await setUp({
      chat: (socket, { head }) =>
        socket.write(
          head.includes('Bearer token-1\r') || head.endsWith('Bearer token-1')
            ? httpResponse(401, '{"status":401,"message":"Token has expired"}')
            : httpResponse(200, ANSWER_TEXT),
        ),
    })
    const first = await Promise.all(Array.from({ length: 50 }, () => send()))
    expect(first.map((result) => result.kind === 'refused' && result.error.code)).toEqual(
      Array.from({ length: 50 }, () => 'llm_unauthorized'),
    )
    const second = await Promise.all(Array.from({ length: 50 }, () => send()))
    expect(second.every(({ kind }) => kind === 'answered')).toBe(true)
    expect(authServer.requests).toHaveLength(2)
  })
})
