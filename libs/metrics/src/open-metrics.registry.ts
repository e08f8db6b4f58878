import { register, Registry, type OpenMetricsContentType } from 'prom-client'

/** The types of prom-client fix the format of the registry that all metrics share; it can be changed all the same. */
const registry = register as unknown as Registry<OpenMetricsContentType>

export function speakOpenMetrics(): void {
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
}

export function speaksOpenMetrics(): boolean {
  return registry.contentType === Registry.OPENMETRICS_CONTENT_TYPE
}
