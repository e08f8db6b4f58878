import { parseChatRequest } from '../chat/chat.request.js'
import { readPrompt } from '../expected-answer.js'
import { parseJson } from '../http/json.js'
import { makeErrorReply, makeJsonReply } from '../http/reply.js'
import { makePlainRoute } from '../http/route.js'
import { findModel } from '../models/model.catalogue.js'
import { countTokens } from '../token-count.js'

/** `POST /v1/filter/check`: profane is what carries the marker `[[profane]]`. */
export const filterCheckRoute = makePlainRoute('filter_check', ({ body, record }) => {
  const json = parseJson(body)
  if (json === undefined) return makeErrorReply(400, 'Your request contains invalid JSON syntax.')
  const request = parseChatRequest(json)
  if (typeof request === 'string') return makeErrorReply(422, `Invalid params: ${request}`)
  if (findModel(request.model, 'filter') === undefined) return makeErrorReply(404, 'No such model')
  record.model = request.model
  const { markers, characters } = readPrompt(request.messages)
  return makeJsonReply({ is_profane: markers.profane, usage: { filter_tokens: countTokens(characters) } })
})
