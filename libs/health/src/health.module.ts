import { Global, Module } from '@nestjs/common'
import { TerminusModule } from '@nestjs/terminus'
import { HealthController } from './health.controller.js'
import { HealthMeter } from './health.meter.js'
import { healthMetrics } from './health.metrics.js'
import { HealthRegistry } from './health.registry.js'
import { Lifecycle } from './lifecycle.js'
import { Readiness } from './readiness.js'
import { StatusRegistry } from './status.registry.js'

/** /health/live, /health/startup and /health/ready. terminus does not log: HealthRegistry logs changes, not probes. */
@Global()
@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [HealthController],
  providers: [
    ...healthMetrics,
    HealthMeter,
    { provide: HealthRegistry, useFactory: () => new HealthRegistry() },
    { provide: StatusRegistry, useFactory: () => new StatusRegistry() },
    Lifecycle,
    Readiness,
  ],
  exports: [HealthRegistry, Lifecycle, Readiness, StatusRegistry],
})
export class HealthModule {}
