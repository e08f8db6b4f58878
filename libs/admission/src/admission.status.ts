import { StatusContributor, type StatusRegistry } from '#libs/health'
import type { AdmissionParts } from './create-admission.js'
import type { LimitWatch } from './gates/limit.watch.js'

/** What this replica may start, and what holds tasks of all replicas back, for /health/details. */
export class AdmissionStatus extends StatusContributor {
  readonly name = 'admission'

  constructor(
    registry: StatusRegistry,
    private readonly parts: AdmissionParts,
    private readonly watch: LimitWatch,
  ) {
    super()
    registry.register(this)
  }

  override async describe(): Promise<unknown> {
    const { gates, breakers } = this.parts
    const { meters, blocked } = await this.watch.look()
    return {
      streams: gates.all.map(({ gate, limit, kept, inUse, adaptiveLimit }) => ({
        gate,
        in_use: inUse,
        granted: kept,
        limit,
        provider_bears: adaptiveLimit,
      })),
      routes: breakers.all.map(({ provider, model, status, failures, reason, openMs, leftMs }) => ({
        provider,
        model,
        breaker: status,
        failures,
        reason,
        ...(status !== 'closed' && { open_ms: openMs, next_try_in_ms: Math.max(0, Math.round(leftMs)) }),
      })),
      meters,
      blocked,
    }
  }
}
