/** A run that failed although an answer was received, and whose result names no object: one of its name may have been written all the same. */
export interface UnusedAnswer {
  readonly tenant: string
  readonly acceptedOn: string
  readonly taskId: string
  readonly taskNumber: number
  readonly run: number
}

export interface UnusedAnswerQuery {
  /** Runs that ended within this time. */
  readonly withinMs: number
  /** Only with an answer of at least so many bytes: smaller ones are never objects. */
  readonly minBytes: number
  /** The last one of the page before. */
  readonly after?: UnusedAnswer | undefined
  readonly limit: number
}

/** What is known of answers that may lie in object storage for nothing. Throws TaskError `ledger_unavailable`. */
export abstract class UnusedAnswers {
  /** In a fixed order, page by page. */
  abstract list(query: UnusedAnswerQuery): Promise<UnusedAnswer[]>
}
