import { HealthContributor, type HealthRegistry, type HealthReport } from '#libs/health'
import type { RouteBreakers } from './route.breakers.js'

/**
 * The providers, by the breakers that all replicas share: no call is made to find out. Never critical: while a model is away its tasks wait,
 * and those of other models go on.
 */
export class RouteHealth extends HealthContributor {
  readonly name = 'llm'
  readonly critical = false

  constructor(
    registry: HealthRegistry,
    private readonly breakers: RouteBreakers,
  ) {
    super()
    registry.register(this)
  }

  override check(): Promise<HealthReport> {
    const closedTo = this.breakers.all.filter(({ status }) => status !== 'closed')
    if (closedTo.length === 0) return Promise.resolve({ status: 'up', details: { routes: this.breakers.all.length } })
    const error = closedTo.map(({ provider, model, status, reason }) => `${provider} ${model}: ${status} (${reason ?? 'its calls failed'})`)
    return Promise.resolve({ status: 'degraded', details: { routes: this.breakers.all.length, error } })
  }
}
