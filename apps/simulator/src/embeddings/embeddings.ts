import { isRecord, type JsonRecord } from '../http/json.js'
import { findModel, type Model } from '../models/model.catalogue.js'
import { countTokens } from '../token-count.js'
import { makeVector } from './embedding.vector.js'

export interface EmbeddingsRequest {
  readonly model: Model
  readonly input: readonly string[]
}

export interface EmbeddingsProblem {
  readonly status: number
  readonly message: string
}

export function parseEmbeddings(body: unknown): EmbeddingsRequest | EmbeddingsProblem {
  if (!isRecord(body)) return { status: 422, message: 'Invalid params: request must be an object' }
  const model = findModel(String(body.model), 'embedder')
  if (model === undefined) return { status: 404, message: 'No such model' }
  const input = typeof body.input === 'string' ? [body.input] : body.input
  if (!Array.isArray(input) || input.length === 0 || !input.every((item) => typeof item === 'string')) {
    return { status: 422, message: 'Invalid params: input must be a list of strings' }
  }
  return findTooLong(input, model.maxItemTokens ?? 0) ?? { model, input }
}

/** Usage is counted per item; there is no total. */
export function embed({ model, input }: EmbeddingsRequest): { body: JsonRecord; promptTokens: number } {
  let promptTokens = 0
  const data = input.map((text, index) => {
    const tokens = countTokens(text.length)
    promptTokens += tokens
    return { object: 'embedding', embedding: makeVector(text, model.dimensions ?? 0), index, usage: { prompt_tokens: tokens } }
  })
  return { body: { object: 'list', data, model: model.id }, promptTokens }
}

function findTooLong(input: readonly string[], max: number): EmbeddingsProblem | undefined {
  const index = input.findIndex((text) => countTokens(text.length) > max)
  if (index < 0) return undefined
  return { status: 413, message: `Tokens limit exceeded for index ${index}: ${countTokens(input[index]!.length)} (max ${max})` }
}
