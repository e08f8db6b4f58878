import { TaskError, type Clock } from '#libs/kernel'
import { findErrorRow } from '../chat/error-table.js'
import { readProviderError, type ProviderError } from '../chat/provider-error.js'
import { responseError } from '../chat/response-error.js'
import { decodeBody } from '../http/decode-body.js'
import type { Endpoint, ExchangeOutcome, HttpRequest, HttpResponse } from '../http/exchange.js'
import type { HttpEndpoint } from '../http/http-endpoint.js'
import { untilAborted } from '../http/until-aborted.js'
import type { AccessTokens } from './access-tokens.js'
import { GIGACHAT_ERRORS, GIGACHAT_FILE_ERRORS } from './gigachat-error.table.js'

export interface ApiRequest {
  readonly method: 'GET' | 'POST'
  /** Below the base URL, with its leading slash. */
  readonly path: string
  readonly body?: Buffer | string
  readonly contentType?: string
  readonly accept?: string
}

interface GigaChatRequestsParts {
  readonly http: HttpEndpoint
  readonly tokens: AccessTokens
  readonly endpoint: Endpoint
  /** The path of the base URL, without a slash at its end. */
  readonly basePath: string
  readonly maxAnswerBytes: number
  readonly clock: Clock
}

/** Requests to GigaChat that are no chat: one request each, errors as TaskErrors. */
export class GigaChatRequests {
  constructor(private readonly parts: GigaChatRequestsParts) {}

  /** Throws TaskError, `llm_bad_response` where the reply is not JSON. */
  async json(request: ApiRequest, signal: AbortSignal): Promise<unknown> {
    const body = await this.bytes(request, signal)
    const value = parseJson(body)
    if (value === undefined)
      throw TaskError.invalid('llm_bad_response', `GigaChat's reply to ${request.method} ${request.path} is not JSON`)
    return value
  }

  async bytes(request: ApiRequest, signal: AbortSignal): Promise<Buffer> {
    const { tokens, http, maxAnswerBytes } = this.parts
    const token = await untilAborted(Promise.resolve(tokens.current()), signal)
    const response = completeOf(await http.exchange(this.httpRequest(request, token), signal))
    const body = decodeBody(response, maxAnswerBytes)
    if (typeof body === 'string') throw TaskError.invalid('llm_bad_response', `GigaChat's reply is ${body.replace('_', ' ')}`)
    const error = this.errorOf(request, response, body)
    if (error?.code === 'llm_unauthorized' && token !== undefined) tokens.reject(token)
    if (error) throw error
    return body
  }

  private httpRequest({ method, path, body, contentType, accept }: ApiRequest, token: string | undefined): HttpRequest {
    const headers = ['accept', accept ?? 'application/json', 'accept-encoding', 'identity', 'user-agent', 'sluice']
    if (token !== undefined) headers.push('authorization', `Bearer ${token}`)
    if (body !== undefined) headers.push('content-type', contentType ?? 'application/json')
    return { method, path: this.parts.basePath + path, headers, ...(body !== undefined && { body }) }
  }

  private errorOf({ path }: ApiRequest, { status, headers }: HttpResponse, body: Buffer): TaskError | undefined {
    const good = status >= 200 && status < 300
    const error = good && body[0] !== OPENING_BRACE ? undefined : readError(body)
    if (good && error?.status === undefined) return undefined
    const { endpoint, clock } = this.parts
    const shown = good ? error!.status! : status
    const rows = path.startsWith('/files/') ? GIGACHAT_FILE_ERRORS : GIGACHAT_ERRORS
    return responseError({
      row: findErrorRow(rows, shown, error),
      endpoint,
      status: shown,
      error,
      headers,
      nowMs: clock.nowMs(),
      prompt: [],
    })
  }
}

/** Files may be large, and only an object can be an error. */
const OPENING_BRACE = '{'.charCodeAt(0)

function completeOf(outcome: ExchangeOutcome): HttpResponse {
  switch (outcome.kind) {
    case 'complete':
      return outcome.response
    case 'too_large':
      throw TaskError.invalid(
        'answer_too_large',
        `GigaChat's reply is larger than LLM_MAX_ANSWER_BYTES (${outcome.sizeBytes} bytes or more)`,
      )
    default:
      throw outcome.error
  }
}

function readError(body: Buffer): ProviderError | undefined {
  return readProviderError(parseJson(body))
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
