import { Injectable } from '@nestjs/common'
import { HealthContributor, HealthRegistry, type HealthReport } from '#libs/health'
import { KafkaStatus } from './consumer/kafka-status.js'

/** Asks the live consumer and never makes a connection of its own. Ready when the group has answered, with or without an assignment, and no broker is silent. */
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
    const { state, assignments, lastError, lastFetchAt, silentBrokers } = this.status.current
    const details = {
      state,
      partitions: assignments.length,
      ...(lastFetchAt !== null && { last_fetch: new Date(lastFetchAt).toISOString() }),
      ...(silentBrokers.length > 0 && { silent_brokers: silentBrokers }),
      ...(lastError && { error: lastError.message }),
    }
    return Promise.resolve({ status: state === 'ready' && silentBrokers.length === 0 ? 'up' : 'down', details })
  }
}
