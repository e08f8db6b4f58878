import type { Clock } from '#libs/kernel'
import { ChatSender } from '../chat/chat.sender.js'
import { ContextWindows } from '../context-windows.js'
import type { DeadlineWatch } from '../http/deadline.watch.js'
import type { Endpoint } from '../http/exchange.js'
import { HttpEndpoint } from '../http/http-endpoint.js'
import type { LlmSettings } from '../llm.settings.js'
import { OPENAI_ERRORS } from './openai-error.table.js'
import { OpenAiCompatibleClient } from './openai-compatible.client.js'
import type { OpenAiSettings } from './openai.settings.js'

/** The caller closes the client. */
export function createOpenAiClient(
  openai: OpenAiSettings,
  settings: LlmSettings,
  watch: DeadlineWatch,
  clock: Clock,
): OpenAiCompatibleClient {
  const { limits, maxStreams, connectTimeoutMs } = settings
  const { origin, pathname, host } = openai.baseUrl
  const endpoint: Endpoint = { name: host, settingsPrefix: 'OPENAI' }
  const http = new HttpEndpoint({ origin, endpoint, maxConnections: maxStreams, connectTimeoutMs, limits, tls: openai.tls }, watch)
  const { maxAnswerBytes } = limits
  const path = `${pathname.replace(/\/$/, '')}/chat/completions`
  return new OpenAiCompatibleClient({
    settings: openai,
    sender: new ChatSender({ http, path, endpoint, errors: OPENAI_ERRORS, maxAnswerBytes, foreignIdAllowance: 0, clock }),
    contextWindows: new ContextWindows(settings.contextWindows),
    maxAnswerBytes,
    close: () => http.close(),
  })
}
