import { makeHistogramProvider } from '@willsoto/nestjs-prometheus'
import type { Histogram } from 'prom-client'
import { speakOpenMetrics } from './open-metrics.registry.js'

type HistogramOptions = Parameters<typeof makeHistogramProvider>[0]

/** A histogram whose buckets name a trace that fell into them. prom-client makes such ones only where the registry speaks OpenMetrics. */
export function makeExemplarHistogramProvider(options: HistogramOptions): ReturnType<typeof makeHistogramProvider> {
  speakOpenMetrics()
  return makeHistogramProvider({ ...options, enableExemplars: true })
}

export interface TracedValue {
  readonly value: number
  /** Of the work that took it. */
  readonly traceparent: string | null
}

/** W3C trace context: version, trace id, span id, flags. */
const SAMPLED_TRACE = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f][13579bdf]$/

/** Adds a value to such a histogram, with its trace where that one is recorded: only then it can be looked at. */
export function observeWithTrace<T extends string>(
  histogram: Histogram<T>,
  labels: Record<T, string>,
  { value, traceparent }: TracedValue,
): void {
  const traceId = traceparent === null ? undefined : SAMPLED_TRACE.exec(traceparent)?.[1]
  // The types of prom-client take the labels of an exemplar for those of the histogram.
  const exemplarLabels: object = traceId === undefined ? {} : { trace_id: traceId }
  histogram.observe({ labels, value, exemplarLabels })
}
