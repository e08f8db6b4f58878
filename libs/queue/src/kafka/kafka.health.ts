import { Injectable } from '@nestjs/common'
import { HealthContributor, HealthRegistry, type HealthReport } from '#libs/health'
import { KafkaStatus } from './consumer/kafka-status.js'

/** Asks the live consumer and never makes a connection of its own. Ready when the group has answered, with or without an assignment. */
@Injectable()
export class KafkaHealth extends HealthContributor {
  readonly name = 'kafka'
  readonly critical = true

  constructor(
    registry: HealthRegistry,
    private readonly status: KafkaStatus,
  ) {
    super()
    registry.register(this)
  }

  override check(): Promise<HealthReport> {
    const { state, assignments, lastError, lastFetchAt } = this.status.current
    const details = {
      state,
      partitions: assignments.length,
      ...(lastFetchAt !== null && { last_fetch: new Date(lastFetchAt).toISOString() }),
      ...(lastError && { error: lastError.message }),
    }
    return Promise.resolve({ status: state === 'ready' ? 'up' : 'down', details })
  }
}
