import { SpanKind } from '@opentelemetry/api'
import { DATABASE, inSpan } from '#libs/tracing'

type LedgerOperation = 'accept' | 'open_attempt' | 'record_answer' | 'finish' | 'defer' | 'hold'

/** What the ledger does for one task, as a span: from when it was asked until its statement, which many tasks share, is committed. */
export function inLedgerSpan<T>(operation: LedgerOperation, work: () => Promise<T>): Promise<T> {
  return inSpan(
    () => ({
      name: `${operation} ledger`,
      kind: SpanKind.CLIENT,
      attributes: { [DATABASE.system]: 'postgresql', [DATABASE.operation]: operation },
    }),
    work,
  )
}
