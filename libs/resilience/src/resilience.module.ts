import { Global, Module } from '@nestjs/common'
import { Clock } from '#libs/kernel'
import { BreakerBoard } from './ports/breaker.board.js'
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
    BreakerBoard,
    {
      provide: PortPolicies,
      // Those who listen come first: a breaker that is made is told once.
      inject: [ResilienceEvents, Clock, ResilienceMeter, ResilienceLog, BreakerBoard],
      useFactory: (events: ResilienceEvents, clock: Clock) => new PortPolicies(events, clock, Math.random),
    },
  ],
  exports: [PortPolicies, ResilienceEvents, BreakerBoard],
})
export class ResilienceModule {}
