import { parseJson } from '../http/json.js'
import { makeErrorReply } from '../http/reply.js'
import type { Route } from '../http/route.js'
import { prepareChat } from './chat.call.js'
import { makeV1Events, makeV1Reply } from './chat-v1.format.js'
import { parseChatRequest } from './chat.request.js'

/** `POST /v1/chat/completions`. */
export const chatV1Route: Route = {
  endpoint: 'chat',
  takesStream: true,
  prepare(exchange) {
    const body = parseJson(exchange.body)
    if (body === undefined) return makeErrorReply(400, 'Your request contains invalid JSON syntax.')
    const { settings, nextId } = exchange.simulation
    return prepareChat(exchange, parseChatRequest(body), (chat) =>
      chat.request.stream ? makeV1Events(chat, settings, nextId) : makeV1Reply(chat, settings.chat.objectName, nextId),
    )
  },
}
