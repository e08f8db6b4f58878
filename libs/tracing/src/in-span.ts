import { context, SpanStatusCode, trace, TraceFlags, type Context, type Span, type SpanOptions, type Tracer } from '@opentelemetry/api'
import { classifyError } from '#libs/kernel'
import { GENERAL } from './names/semantic.names.js'
import { formatTraceParent, parseTraceParent } from './traceparent.js'

export interface SpanShape extends SpanOptions {
  readonly name: string
}

export interface OpenSpan {
  readonly traceparent: string
  end(errorCode?: string): void
}

/** Of the spans of all libraries; does nothing before a provider is registered. Asked for each time: one that is kept stays with the first provider. */
function findTracer(): Tracer {
  return trace.getTracer('sluice')
}

/** Whether work that is done here and now belongs to a trace that is recorded. */
export function isTraced(parent: Context = context.active()): boolean {
  const spanContext = trace.getSpanContext(parent)
  return spanContext !== undefined && (spanContext.traceFlags & TraceFlags.SAMPLED) !== 0
}

/** Does a piece of work of the trace that is under way, as a span of it. Where nothing is recorded it is just done, and `describe` not called. */
export function inSpan<T>(describe: () => SpanShape, work: () => Promise<T>): Promise<T> {
  const parent = context.active()
  if (!isTraced(parent)) return work()
  const { name, ...options } = describe()
  const span = findTracer().startSpan(name, options, parent)
  return endWith(span, context.with(trace.setSpan(parent, span), work))
}

/** A span that is ended later, and its place in the trace; undefined where nothing is recorded. */
export function openSpan({ name, ...options }: SpanShape, parent: Context): OpenSpan | undefined {
  if (!isTraced(parent)) return undefined
  const span = findTracer().startSpan(name, options, parent)
  const { traceId, spanId, traceFlags } = span.spanContext()
  return {
    traceparent: formatTraceParent({ traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 }),
    end(errorCode) {
      if (errorCode !== undefined) markError(span, errorCode)
      span.end()
    },
  }
}

/** A span of what is over already. Returns its own context, for what belongs below it. */
export function recordSpan(
  { name, ...options }: SpanShape,
  end: { readonly atMs: number; readonly errorCode?: string },
  parent: Context,
): Context {
  const span = findTracer().startSpan(name, options, parent)
  if (end.errorCode !== undefined) markError(span, end.errorCode)
  span.end(end.atMs)
  return trace.setSpan(parent, span)
}

/** Does work as a part of what a traceparent stands for. */
export function runBelow<T>(traceparent: string | null, work: () => T): T {
  return context.with(contextOf(traceparent), work)
}

/** Where a traceparent points to, as a parent of spans. */
export function contextOf(traceparent: string | null): Context {
  const parsed = parseTraceParent(traceparent)
  if (!parsed) return context.active()
  const { traceId, spanId, sampled } = parsed
  return trace.setSpanContext(context.active(), {
    traceId,
    spanId,
    traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
  })
}

/** By the code of an error, never by its message: that may quote what a span must not hold. */
export function markError(span: Span, code: string): void {
  span.setAttribute(GENERAL.errorType, code)
  span.setStatus({ code: SpanStatusCode.ERROR, message: code })
}

async function endWith<T>(span: Span, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    markError(span, classifyError(error).code)
    throw error
  } finally {
    span.end()
  }
}
