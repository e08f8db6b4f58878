import { isRecord, parseJson } from '../http/json.js'
import { makeErrorReply, makeJsonReply } from '../http/reply.js'
import { makePlainRoute } from '../http/route.js'
import { findModel } from '../models/model.catalogue.js'
import { countTokens } from '../token-count.js'

/** `POST /v1/tokens/count`: the reply is an array, not an object. */
export const tokensCountRoute = makePlainRoute('tokens_count', ({ body, record }) => {
  const request = parseJson(body)
  if (request === undefined) return makeErrorReply(400, 'Your request contains invalid JSON syntax.')
  if (!isRecord(request) || !Array.isArray(request.input) || !request.input.every((text) => typeof text === 'string')) {
    return makeErrorReply(422, 'Invalid params: input must be a list of strings')
  }
  const model = findModel(String(request.model))
  if (model === undefined) return makeErrorReply(404, 'No such model')
  record.model = model.id
  return makeJsonReply(request.input.map((text) => ({ object: 'tokens', tokens: countTokens(text.length), characters: text.length })))
})
