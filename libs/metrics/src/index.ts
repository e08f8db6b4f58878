export { makeExemplarHistogramProvider, observeWithTrace } from './exemplar-histogram.js'
export { MetricsInterceptor } from './metrics.interceptor.js'
export { MetricsModule } from './metrics.module.js'
export { PipelineMeter } from './pipeline.meter.js'
