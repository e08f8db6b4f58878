import type { ErrorCode } from '#libs/contracts'
import type { ProviderError } from './provider-error.js'

/** One kind of error response. The first row that fits decides. */
export interface ErrorRow {
  readonly status: readonly [from: number, to: number]
  /** Tested against the provider's message and reason. */
  readonly says?: RegExp
  readonly code: ErrorCode
  /** May the same request succeed later, unchanged? */
  readonly retryable: boolean
  /** What a person can do about it. */
  readonly advice?: string
}

/** Statuses by which a proxy or a wrong address answers in a provider's place. */
const PASSED_BY: ReadonlySet<number> = new Set([403, 404, 405])
const FROM_ELSEWHERE = {
  code: 'llm_bad_response',
  retryable: true,
  advice: 'something before the provider answers; check the base URL and the proxies on the way',
} as const

/** Of an answer to a chat request. One in which the provider says nothing of its own is not about the task. */
export function findChatErrorRow(rows: readonly ErrorRow[], status: number, error: ProviderError | undefined): ErrorRow {
  if (error === undefined && PASSED_BY.has(status)) return { status: [status, status], ...FROM_ELSEWHERE }
  return findErrorRow(rows, status, error)
}

export function findErrorRow(rows: readonly ErrorRow[], status: number, error: ProviderError | undefined): ErrorRow {
  const said = `${error?.reason ?? ''} ${error?.message ?? ''}`
  const row = rows.find(({ status: [from, to], says }) => status >= from && status <= to && (says === undefined || says.test(said)))
  return row ?? { status: [status, status], code: 'llm_bad_response', retryable: status >= 500 }
}
