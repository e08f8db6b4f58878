import { SystemClock, type LlmCall, type SendResult } from '#libs/kernel'
import { createGigaChatClient } from '../gigachat/create-gigachat.client.js'
import type { GigaChatClient } from '../gigachat/gigachat.client.js'
import { DeadlineWatch } from '../http/deadline.watch.js'
import type { ExchangeLimits } from '../http/exchange.js'
import { makeCall, makeSettings } from './factories.js'
import { httpResponse, ScriptedServer, type Script } from './scripted.server.js'

type CleanUp = (stop: () => Promise<void>) => void

interface SetUpOptions {
  readonly chat?: Script
  readonly auth?: Script
  readonly env?: Record<string, string>
  readonly limits?: Partial<ExchangeLimits>
}

const LATER_MS = 1_800_000
const NEVER = new AbortController().signal

export interface GigaChatSetUp {
  readonly client: GigaChatClient
  readonly chatServer: ScriptedServer
  readonly authServer: ScriptedServer
  readonly send: (call?: LlmCall, signal?: AbortSignal) => Promise<SendResult>
}

/** A client between two scripted servers: chat, and tokens `token-1`, `token-2`, ... */
export async function setUpGigaChat(
  cleanUp: CleanUp,
  { chat = () => undefined, auth = issueTokens, env, limits }: SetUpOptions,
): Promise<GigaChatSetUp> {
  const chatServer = await ScriptedServer.start(chat, cleanUp)
  const authServer = await ScriptedServer.start(auth, cleanUp)
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
  if (!settings.gigachat) throw new Error('GigaChat is not configured')
  const clock = new SystemClock()
  const client = createGigaChatClient(settings.gigachat, settings, new DeadlineWatch(clock), clock)
  cleanUp(() => client.close())
  return { client, chatServer, authServer, send: (call = makeCall(), signal = NEVER) => client.send(call, signal) }
}

export const issueTokens: Script = (socket, _request, number) => {
  socket.write(tokenReply(`token-${number}`))
}

export function tokenReply(token: string): Buffer {
  return httpResponse(200, JSON.stringify({ access_token: token, expires_at: Date.now() + LATER_MS }))
}
