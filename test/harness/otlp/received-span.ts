/** The numbers of opentelemetry-proto's SpanKind. */
export const SPAN_KIND = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const

export interface ReceivedLink {
  readonly traceId: string
  readonly spanId: string
}

/** A span as a trace store sees it. Times are milliseconds since 1970. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  /** '' of a root. */
  readonly parentSpanId: string
  readonly name: string
  readonly kind: number
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[]
  readonly links: readonly ReceivedLink[]
  readonly isError: boolean
  /** Of the process that has sent it. */
  readonly resource: Readonly<Record<string, unknown>>
}
