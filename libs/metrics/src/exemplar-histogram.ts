import { makeHistogramProvider } from '@willsoto/nestjs-prometheus'
import { speakOpenMetrics } from './open-metrics.registry.js'

type HistogramOptions = Parameters<typeof makeHistogramProvider>[0]

/** A histogram whose buckets name a trace that fell into them. prom-client makes such ones only where the registry speaks OpenMetrics. */
export function makeExemplarHistogramProvider(options: HistogramOptions): ReturnType<typeof makeHistogramProvider> {
  speakOpenMetrics()
  return makeHistogramProvider({ ...options, enableExemplars: true })
}
