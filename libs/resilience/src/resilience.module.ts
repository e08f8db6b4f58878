import { Global, Module } from '@nestjs/common'
import { Clock } from '#libs/kernel'
import { PortPolicies } from './ports/port-policies.js'
import { ResilienceEvents } from './ports/resilience.events.js'
import { ResilienceLog } from './resilience.log.js'
import { ResilienceMeter } from './resilience.meter.js'
import { resilienceMetrics } from './resilience.metrics.js'

/** PortPolicies and their events for every module. Needs a Clock from a global module. */
@Global()
@Module({
  providers: [
    ResilienceEvents,
    ...resilienceMetrics,
    ResilienceMeter,
    ResilienceLog,
    {
      provide: PortPolicies,
      // Those who listen come first: a breaker that is made is told once.
      inject: [ResilienceEvents, Clock, ResilienceMeter, ResilienceLog],
      useFactory: (events: ResilienceEvents, clock: Clock) => new PortPolicies(events, clock, Math.random),
    },
  ],
  exports: [PortPolicies, ResilienceEvents],
})
export class ResilienceModule {}
