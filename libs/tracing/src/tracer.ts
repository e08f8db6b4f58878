import type { PipelineContext } from '#libs/kernel'

/** How a piece of work ended, as far as a trace shows it. */
export type SpanEnd = { readonly ok: true } | { readonly ok: false; readonly error: unknown }

/** One piece of work in a trace. */
export interface Span {
  /** What the work passes on: its own place in the trace. */
  readonly traceparent: string
  end(end: SpanEnd): void
}

/**
 * Where spans go. The pipeline starts one for every dispatch; what it is called and which attributes it has is the tracer's business.
 * Implementations never throw: tracing has no effect on tasks.
 */
export abstract class Tracer {
  /** false: no span is ever recorded, so the pipeline does not follow the work to its end. */
  abstract readonly records: boolean
  /** `parent` is a valid traceparent, or null where the work has none: then the span is the root of a new trace. */
  abstract startSpan(parent: string | null, context: PipelineContext): Span
}
