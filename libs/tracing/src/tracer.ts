import type { Delivery, PipelineContext } from '#libs/kernel'

/** How a piece of work ended, as far as a trace shows it. */
export type SpanEnd = { readonly ok: true; readonly value?: unknown } | { readonly ok: false; readonly error: unknown }

/** One piece of work in a trace. */
export interface Span {
  /** What the work passes on: its own place in the trace. */
  readonly traceparent: string
  /** Does work inside of the span: what it records belongs below it. */
  run<T>(work: () => T): T
  end(end: SpanEnd): void
}

/**
 * Where spans go. What they are called and which attributes they have is the tracer's business. Implementations never throw: tracing has no
 * effect on tasks. Libraries add their own spans below these by `inSpan`.
 */
export abstract class Tracer {
  /** false: no span is ever recorded, so nobody follows the work to its end. */
  abstract readonly records: boolean
  /** One dispatch of the pipeline. `parent` is a valid traceparent, or null where the work has none: then the span is the root of a new trace. */
  abstract startDispatch(parent: string | null, context: PipelineContext): Span
  /** A record on its way into the ledger. What it becomes later belongs below this span. */
  abstract startDelivery(parent: string | null, delivery: Delivery): Span
}
