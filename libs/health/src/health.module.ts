import { Global, Module } from '@nestjs/common'
import { TerminusModule } from '@nestjs/terminus'
import { HealthController } from './health.controller.js'
import { HealthRegistry } from './health.registry.js'
import { Lifecycle } from './lifecycle.js'
import { Readiness } from './readiness.js'

/** /health/live, /health/startup and /health/ready. terminus does not log: HealthRegistry logs changes, not probes. */
@Global()
@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [HealthController],
  providers: [{ provide: HealthRegistry, useFactory: () => new HealthRegistry() }, Lifecycle, Readiness],
  exports: [HealthRegistry, Lifecycle],
})
export class HealthModule {}
