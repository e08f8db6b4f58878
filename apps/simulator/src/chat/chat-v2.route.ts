import { parseJson } from '../http/json.js'
import { makeErrorReply } from '../http/reply.js'
import type { Route } from '../http/route.js'
import { prepareChat } from './chat.call.js'
import { makeV2Events, makeV2Reply } from './chat-v2.format.js'
import { parseChatV2Request } from './chat-v2.request.js'

/** `POST /v2/chat/completions`. */
export const chatV2Route: Route = {
  endpoint: 'chat',
  takesStream: true,
  prepare(exchange) {
    const body = parseJson(exchange.body)
    if (body === undefined) return makeErrorReply(400, 'Your request contains invalid JSON syntax.')
    const parsed = parseChatV2Request(body)
    if (typeof parsed === 'string') return makeErrorReply(422, `Invalid params: ${parsed}`)
    if (parsed.functionCalls !== parsed.functionResults) {
      return makeErrorReply(422, 'Function calls count does not match function results count')
    }
    const { settings, nextId } = exchange.simulation
    const threadId = parsed.stateful ? nextId() : undefined
    return prepareChat(exchange, parsed.request, (chat) =>
      chat.request.stream ? makeV2Events(chat, settings, nextId, threadId) : makeV2Reply(chat, nextId, threadId),
    )
  },
}
