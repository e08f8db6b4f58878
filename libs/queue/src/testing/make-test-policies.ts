import { SystemClock } from '#libs/kernel'
import { PortPolicies, ResilienceEvents } from '#libs/resilience'

/** Policies as the service has them, with events that nobody else listens to. */
export function makeTestPolicies(events: ResilienceEvents = new ResilienceEvents()): PortPolicies {
  return new PortPolicies(events, new SystemClock(), Math.random)
}
