import { randomUUID } from 'node:crypto'
import { TaskError } from '#libs/kernel'
import { decodeBody } from '../http/decode-body.js'
import type { HttpEndpoint } from '../http/http-endpoint.js'
import type { HttpRequest, HttpResponse } from '../http/exchange.js'
import { parseRetryAfter } from '../http/retry-after.js'
import { readProviderError } from '../chat/provider-error.js'
import type { TokenCredentials } from './gigachat.settings.js'
import { readToken, type IssuedToken } from './token.response.js'

const MAX_REPLY_BYTES = 64 * 1_024
const RETRY_LATER = new Set([408, 425, 429])

/** Asks GigaChat for an access token, once. Its errors never carry the key or the token. */
export class TokenEndpoint {
  constructor(
    private readonly http: HttpEndpoint,
    private readonly path: string,
    private readonly credentials: TokenCredentials,
    private readonly clock: { nowMs(): number },
  ) {}

  /** Throws TaskError `llm_auth_failed`, `llm_auth_unavailable` or `llm_tls`. */
  async issue(): Promise<IssuedToken> {
    const outcome = await this.http.exchange(this.request())
    if (outcome.kind !== 'complete') throw outcome.kind === 'too_large' ? unusable() : unavailable(outcome.error)
    const { response } = outcome
    const body = jsonOf(response)
    const error = readProviderError(body)
    const status = response.status < 400 ? (error?.status ?? response.status) : response.status
    if (status < 200 || status > 299) throw refusal(status, error?.message, response.headers, this.clock.nowMs())
    const token = readToken(body, this.clock.nowMs())
    if (!token) throw unusable()
    return token
  }

  private request(): HttpRequest {
    const { credentials } = this
    const form = credentials.kind === 'key' ? `scope=${encodeURIComponent(credentials.scope)}` : ''
    const basic = credentials.kind === 'key' ? credentials.key : basicOf(credentials)
    return {
      method: 'POST',
      path: this.path,
      headers: [
        'authorization',
        `Basic ${basic}`,
        'rquid',
        randomUUID(),
        'content-type',
        'application/x-www-form-urlencoded',
        'accept',
        'application/json',
        'accept-encoding',
        'identity',
      ],
      body: form,
    }
  }

  close(): Promise<void> {
    return this.http.close()
  }
}

function basicOf({ user, password }: { user: string; password: string }): string {
  return Buffer.from(`${user}:${password}`).toString('base64')
}

function jsonOf(response: HttpResponse): unknown {
  const body = decodeBody(response, MAX_REPLY_BYTES)
  try {
    return typeof body === 'string' ? undefined : JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

function unavailable(cause: TaskError): TaskError {
  if (cause.code === 'llm_tls') return cause
  return new TaskError('llm_auth_unavailable', `no access token: ${cause.message}`, { retryable: true, cause })
}

function unusable(): TaskError {
  return new TaskError('llm_auth_unavailable', "GigaChat's token endpoint sent a reply without a token", { retryable: true })
}

function refusal(status: number, said: string | undefined, headers: HttpResponse['headers'], nowMs: number): TaskError {
  const message = `GigaChat's token endpoint answered ${status}${said ? `: ${said.slice(0, 200)}` : ''}`
  if (status < 500 && !RETRY_LATER.has(status)) {
    // A person must mend it, and until then it holds for every task: they wait, or one wrong setting would fail them all.
    const advice = 'check GIGACHAT_CREDENTIALS and GIGACHAT_SCOPE'
    return new TaskError('llm_auth_failed', `${message}; ${advice}`, { retryable: true, details: { status } })
  }
  const retryAfterMs = parseRetryAfter(headers['retry-after'], nowMs)
  return new TaskError('llm_auth_unavailable', message, {
    retryable: true,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    details: { status },
  })
}
