export { PrometheusServer, type PrometheusSample } from './prometheus.server.js'
export { runPromtool, type PromtoolResult } from './promtool.js'
export { startPrometheus, type PrometheusOptions } from './start-prometheus.js'
