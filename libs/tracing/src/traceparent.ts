/** A place in a trace, as W3C Trace Context carries it (https://www.w3.org/TR/trace-context/#traceparent-header). */
export interface TraceParent {
  /** 32 lower-case hex digits. */
  readonly traceId: string
  /** 16 lower-case hex digits. */
  readonly spanId: string
  readonly sampled: boolean
}

const LENGTH = 55
const VERSION_00 = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
const SAMPLED = 0x01

/** Only version 00 exactly as the recommendation writes it. A producer may send anything here: whatever else it is, it is not a trace. */
export function isTraceParent(text: unknown): text is string {
  return typeof text === 'string' && text.length === LENGTH && VERSION_00.test(text)
}

export function parseTraceParent(text: unknown): TraceParent | undefined {
  if (!isTraceParent(text)) return undefined
  const flags = Number.parseInt(text.slice(53), 16)
  return { traceId: traceIdOf(text), spanId: spanIdOf(text), sampled: (flags & SAMPLED) === SAMPLED }
}

export function formatTraceParent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
}

/** Of a text that isTraceParent has let through. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35)
}

/** Of a text that isTraceParent has let through. */
export function spanIdOf(traceparent: string): string {
  return traceparent.slice(36, 52)
}
