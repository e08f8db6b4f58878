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

export function findErrorRow(rows: readonly ErrorRow[], status: number, error: ProviderError | undefined): ErrorRow {
  const said = `${error?.reason ?? ''} ${error?.message ?? ''}`
  const row = rows.find(({ status: [from, to], says }) => status >= from && status <= to && (says === undefined || says.test(said)))
  return row ?? { status: [status, status], code: 'llm_bad_response', retryable: status >= 500 }
}
