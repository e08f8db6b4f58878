import type { Clock } from '#libs/kernel'
import { ChatSender } from '../chat/chat.sender.js'
import { ContextWindows } from '../context-windows.js'
import type { DeadlineWatch } from '../http/deadline.watch.js'
import type { Endpoint } from '../http/exchange.js'
import { HttpEndpoint } from '../http/http-endpoint.js'
import type { LlmSettings } from '../llm.settings.js'
import { createTokens } from './create-tokens.js'
import { GigaChatApi } from './gigachat.api.js'
import { GIGACHAT_ERRORS } from './gigachat-error.table.js'
import { GigaChatClient } from './gigachat.client.js'
import { GigaChatFiles } from './gigachat.files.js'
import { GigaChatRequests } from './gigachat.requests.js'
import type { GigaChatSettings } from './gigachat.settings.js'

const ENDPOINT: Endpoint = { name: 'GigaChat', settingsPrefix: 'GIGACHAT' }
/** Beside those of chat: a question about the balance must not wait for an answer that takes a minute. */
const SIDE_CONNECTIONS = 2
/** Two answers that change places make a pair. */
const FOREIGN_IDS = 2

/** The caller closes the client. */
export function createGigaChatClient(
  gigachat: GigaChatSettings,
  settings: LlmSettings,
  watch: DeadlineWatch,
  clock: Clock,
): GigaChatClient {
  const { limits, maxStreams, connectTimeoutMs } = settings
  const { maxAnswerBytes } = limits
  const basePath = gigachat.baseUrl.pathname.replace(/\/$/, '')
  const options = { origin: gigachat.baseUrl.origin, endpoint: ENDPOINT, connectTimeoutMs, limits, tls: gigachat.tls }
  const chat = new HttpEndpoint({ ...options, maxConnections: maxStreams }, watch)
  const side = new HttpEndpoint({ ...options, maxConnections: SIDE_CONNECTIONS }, watch)
  const tokens = createTokens(gigachat, connectTimeoutMs, watch, clock)
  const requests = new GigaChatRequests({ http: side, tokens, endpoint: ENDPOINT, basePath, maxAnswerBytes, clock })
  const path = `${basePath}/chat/completions`
  return new GigaChatClient({
    settings: gigachat,
    sender: new ChatSender({
      http: chat,
      path,
      endpoint: ENDPOINT,
      errors: GIGACHAT_ERRORS,
      maxAnswerBytes,
      foreignIdAllowance: FOREIGN_IDS,
      clock,
    }),
    tokens,
    api: new GigaChatApi(requests, new GigaChatFiles(requests)),
    contextWindows: new ContextWindows(settings.contextWindows),
    maxAnswerBytes,
    close: async () => {
      await Promise.all([chat.close(), side.close(), tokens.close()])
    },
  })
}
