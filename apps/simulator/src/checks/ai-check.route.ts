import { readPrompt } from '../expected-answer.js'
import { isRecord, parseJson } from '../http/json.js'
import { makeErrorReply, makeJsonReply } from '../http/reply.js'
import { makePlainRoute } from '../http/route.js'
import { findModel } from '../models/model.catalogue.js'
import { countTokens } from '../token-count.js'

const MIN_WORDS = 20
const CATEGORIES = ['ai', 'human', 'mixed'] as const

/** `POST /v1/ai/check`: the category is a function of the text. */
export const aiCheckRoute = makePlainRoute('ai_check', ({ body, record }) => {
  const request = parseJson(body)
  if (request === undefined) return makeErrorReply(400, 'Your request contains invalid JSON syntax.')
  if (!isRecord(request) || typeof request.input !== 'string') return makeErrorReply(422, 'Invalid params: input must be a string')
  const model = findModel(String(request.model), 'aicheck')
  if (model === undefined) return makeErrorReply(404, 'No such model')
  const { input } = request
  if (input.trim().split(/\s+/).length < MIN_WORDS)
    return makeErrorReply(422, `Invalid params: input must have at least ${MIN_WORDS} words`)
  record.model = model.id
  const { digest } = readPrompt([{ role: 'user', content: input }])
  const category = CATEGORIES[Number.parseInt(digest.slice(0, 4), 16) % CATEGORIES.length]!
  return makeJsonReply({
    category,
    characters: input.length,
    tokens: countTokens(input.length),
    ai_intervals: intervalsOf(category, input.length),
  })
})

function intervalsOf(category: (typeof CATEGORIES)[number], length: number): number[][] {
  if (category === 'human') return []
  return [[0, category === 'ai' ? length : Math.floor(length / 2)]]
}
