import { Controller, Get, Header, Headers, Res } from '@nestjs/common'
import { register, Registry } from 'prom-client'
import { speaksOpenMetrics } from './open-metrics.registry.js'
import { makePrometheusText } from './prometheus-text.js'

interface Reply {
  header(name: string, value: string): unknown
}

/** /metrics in OpenMetrics to those who ask for it, as Prometheus does, and else in the older text format. The path is the module's. */
@Controller()
export class MetricsController {
  @Get()
  @Header('Cache-Control', 'no-store')
  async show(@Headers('accept') accept: string | undefined, @Res({ passthrough: true }) reply: Reply): Promise<string> {
    const text = await register.metrics()
    const isOpenMetrics = speaksOpenMetrics()
    const wantsOpenMetrics = isOpenMetrics && accept !== undefined && accept.includes('application/openmetrics-text')
    reply.header('Content-Type', wantsOpenMetrics ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE)
    return wantsOpenMetrics || !isOpenMetrics ? text : makePrometheusText(text)
  }
}
