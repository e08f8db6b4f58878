import { Global, Module, type DynamicModule } from '@nestjs/common'
import { PrometheusModule } from '@willsoto/nestjs-prometheus'
import { buildInfoMetric, settingsVersionMetric } from './build-info.metric.js'
import { BUILD_IDENTITY, BuildInfoReporter, type BuildIdentity } from './build-info.reporter.js'
import { CertificateMeter, certificateMetric } from './certificate.meter.js'
import { MetricsController } from './metrics.controller.js'
import { MetricsInterceptor } from './metrics.interceptor.js'
import { PipelineMeter } from './pipeline.meter.js'
import { pipelineMetrics } from './pipeline.metrics.js'

/** /metrics on the HTTP application, with the metrics of Node.js and of the pipeline. Other libraries declare theirs beside their owners. */
@Global()
@Module({})
export class MetricsModule {
  static forRoot(identity: BuildIdentity): DynamicModule {
    return {
      module: MetricsModule,
      imports: [PrometheusModule.register({ path: '/metrics', controller: MetricsController, defaultMetrics: { enabled: true } })],
      providers: [
        ...pipelineMetrics,
        buildInfoMetric,
        settingsVersionMetric,
        certificateMetric,
        CertificateMeter,
        { provide: BUILD_IDENTITY, useValue: { service: identity.service, version: identity.version } },
        BuildInfoReporter,
        PipelineMeter,
        MetricsInterceptor,
      ],
      exports: [CertificateMeter, PipelineMeter, MetricsInterceptor],
    }
  }
}
