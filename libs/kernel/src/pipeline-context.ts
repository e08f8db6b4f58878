/** What is being worked on, as far as it is known: for logs, spans and metrics. */
export interface PipelineSubject {
  readonly topic?: string
  readonly partition?: number
  readonly tenant?: string
  readonly taskId?: string
  readonly type?: string
  readonly run?: number
  readonly attempt?: number
  /** That a task has started with. */
  readonly settingsVersion?: number
}

/** The second argument of every task handler: what its interceptors need, whichever transport dispatched it. */
export interface PipelineContext {
  readonly transport: 'kafka' | 'ledger'
  readonly subject: PipelineSubject
  /** As the message brought it until TraceInterceptor has run, which puts a valid one in its place where it is missing or hostile. */
  traceparent: string | null
  readonly correlationId: string | null
  readonly deadlineMs: number | null
  /** Aborted when the work must stop: its lease was lost or the grace period of a stop is over. */
  readonly signal: AbortSignal
  readonly receivedAtMs: number
}
