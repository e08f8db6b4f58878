import type { ChatMessage } from '#libs/contracts'
import { TaskError } from '#libs/kernel'
import type { Endpoint, HttpResponse } from '../http/exchange.js'
import { parseRetryAfter } from '../http/retry-after.js'
import type { ErrorRow } from './error-table.js'
import type { ProviderError } from './provider-error.js'

const MAX_MESSAGE = 300
/** Common text of twice this length is found for certain, of this length perhaps. */
const PROBE = 24

interface ResponseErrorInput {
  readonly row: ErrorRow
  readonly endpoint: Endpoint
  readonly status: number
  readonly error: ProviderError | undefined
  readonly headers: HttpResponse['headers']
  readonly nowMs: number
  /** What the provider may repeat in its message, and nobody may read there. */
  readonly prompt: readonly ChatMessage[]
}

export function responseError({ row, endpoint, status, error, headers, nowMs, prompt }: ResponseErrorInput): TaskError {
  const retryAfterMs = parseRetryAfter(headers['retry-after'], nowMs)
  const said = withoutPrompt(error?.message.trim().slice(0, MAX_MESSAGE) ?? '', prompt)
  const message = [`${endpoint.name} answered ${status}`, said, row.advice].filter(Boolean).join(': ')
  return new TaskError(row.code, message, {
    retryable: row.retryable,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    details: { status, ...(error?.reason !== undefined && { reason: error.reason }) },
  })
}

/** A provider may quote the request in its message; such a message is left out as a whole. */
function withoutPrompt(message: string, prompt: readonly ChatMessage[]): string {
  for (let start = 0; start + PROBE <= message.length; start += PROBE) {
    const probe = message.slice(start, start + PROBE)
    if (prompt.some(({ content }) => content.includes(probe))) return '(its message quotes the prompt)'
  }
  return message
}
