import { context, trace, TraceFlags } from '@opentelemetry/api'
import { makeHistogramProvider } from '@willsoto/nestjs-prometheus'
import type { Histogram } from 'prom-client'
import { speakOpenMetrics } from './open-metrics.registry.js'

type HistogramOptions = Parameters<typeof makeHistogramProvider>[0]

/** A histogram whose buckets name a trace that fell into them. prom-client makes such ones only where the registry speaks OpenMetrics. */
export function makeExemplarHistogramProvider(options: HistogramOptions): ReturnType<typeof makeHistogramProvider> {
  speakOpenMetrics()
  return makeHistogramProvider({ ...options, enableExemplars: true })
}

/** Adds a value to such a histogram, with the trace that is under way where that one is recorded: only then it can be looked at. */
export function observeWithTrace<T extends string>(histogram: Histogram<T>, labels: Record<T, string>, value: number): void {
  // The types of prom-client take the labels of an exemplar for those of the histogram.
  histogram.observe({ labels, value, exemplarLabels: readTraceLabels() as object })
}

function readTraceLabels(): Readonly<Record<string, string>> {
  const spanContext = trace.getSpanContext(context.active())
  if (spanContext === undefined || (spanContext.traceFlags & TraceFlags.SAMPLED) === 0) return {}
  return { trace_id: spanContext.traceId }
}
