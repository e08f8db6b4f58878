import type { Clock } from '#libs/kernel'
import { PortBreaker, type PortBreakerOptions } from './port-breaker.js'
import { PortPolicy, type PortPolicyOptions } from './port-policy.js'
import type { ResilienceEvents } from './resilience.events.js'

type Surroundings = 'events' | 'clock' | 'random'

/**
 * Where the policies of all ports are made. Each failure has one owner that retries it: the ports by these policies, quickly; tasks by
 * deferral, later. The LLM client has none: every send is an attempt of its own.
 */
export class PortPolicies {
  constructor(
    readonly events: ResilienceEvents,
    private readonly clock: Clock,
    private readonly random: () => number,
  ) {}

  /** One for each server, whoever calls it. */
  makeBreaker(options: Omit<PortBreakerOptions, Surroundings>): PortBreaker {
    return new PortBreaker({ ...options, events: this.events, clock: this.clock })
  }

  makePolicy(options: Omit<PortPolicyOptions, Surroundings>): PortPolicy {
    return new PortPolicy({ ...options, events: this.events, clock: this.clock, random: this.random })
  }

  /** For facts: there is no end to the tries but a success, an error that no retry can help, or the signal. Its breaker is what it calls. */
  makeEndlessPolicy({ port, retry }: Pick<PortPolicyOptions, 'port'> & { readonly retry: Delays }): PortPolicy {
    return this.makePolicy({ port, retry: { ...retry, attempts: Number.MAX_SAFE_INTEGER, budgetMs: Number.POSITIVE_INFINITY } })
  }
}

type Delays = Pick<PortPolicyOptions['retry'], 'initialDelayMs' | 'maxDelayMs'>
