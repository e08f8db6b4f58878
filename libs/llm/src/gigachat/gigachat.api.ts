import { z } from 'zod'
import { readReply } from './read-reply.js'
import type { GigaChatFiles } from './gigachat.files.js'
import type { GigaChatRequests } from './gigachat.requests.js'

const models = z.object({ data: z.array(z.looseObject({ id: z.string(), type: z.string().optional(), owned_by: z.string().optional() })) })
const tokenCounts = z.array(z.looseObject({ tokens: z.number(), characters: z.number() }))
const balance = z.object({ balance: z.array(z.object({ usage: z.string(), value: z.number() })) })
const embeddings = z.object({
  model: z.string(),
  data: z.array(z.object({ index: z.number(), embedding: z.array(z.number()), usage: z.object({ prompt_tokens: z.number() }).optional() })),
})

export type GigaChatModel = z.infer<typeof models>['data'][number]
export type TokenCount = z.infer<typeof tokenCounts>[number]
export type ModelBalance = z.infer<typeof balance>['balance'][number]
export type Embedding = z.infer<typeof embeddings>['data'][number]

/** GigaChat's API except chat. Every method is one request and throws TaskError. */
export class GigaChatApi {
  constructor(
    private readonly requests: GigaChatRequests,
    readonly files: GigaChatFiles,
  ) {}

  async models(signal: AbortSignal): Promise<GigaChatModel[]> {
    return readReply(models, await this.requests.json({ method: 'GET', path: '/models' }, signal)).data
  }

  /** In the order of `input`. */
  async countTokens(model: string, input: readonly string[], signal: AbortSignal): Promise<TokenCount[]> {
    const body = JSON.stringify({ model, input })
    return readReply(tokenCounts, await this.requests.json({ method: 'POST', path: '/tokens/count', body }, signal))
  }

  /** What is left of each model's prepaid tokens. Throws `llm_forbidden` for accounts that pay as they go. */
  async balance(signal: AbortSignal): Promise<ModelBalance[]> {
    return readReply(balance, await this.requests.json({ method: 'GET', path: '/balance' }, signal)).balance
  }

  /** In the order of `input`; each item's own usage. */
  async embed(model: string, input: readonly string[], signal: AbortSignal): Promise<Embedding[]> {
    const body = JSON.stringify({ model, input })
    const { data } = readReply(embeddings, await this.requests.json({ method: 'POST', path: '/embeddings', body }, signal))
    return data.toSorted((one, other) => one.index - other.index)
  }
}
