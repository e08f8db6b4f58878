export type { MeasuredOutcome, OutcomeLabel } from './measured-outcome.js'
export { MetricsInterceptor } from './metrics.interceptor.js'
export { MetricsModule } from './metrics.module.js'
export { PipelineMeter } from './pipeline.meter.js'
