export { MetricsInterceptor } from './metrics.interceptor.js'
export { MetricsModule } from './metrics.module.js'
export { PipelineMeter } from './pipeline.meter.js'
