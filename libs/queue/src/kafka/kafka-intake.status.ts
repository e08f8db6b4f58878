import { Injectable } from '@nestjs/common'
import { IntakeGate } from '#libs/kernel'
import { StatusContributor, StatusRegistry } from '#libs/health'
import { KafkaStatus } from './consumer/kafka-status.js'

/** The intake, for /health/details. */
@Injectable()
export class KafkaIntakeStatus extends StatusContributor {
  readonly name = 'kafka'

  constructor(
    registry: StatusRegistry,
    private readonly status: KafkaStatus,
    private readonly gate: IntakeGate,
  ) {
    super()
    registry.register(this)
  }

  override describe(): unknown {
    const { state, assignments, lags, lastFetchAt, lastError, silentBrokers } = this.status.current
    return {
      state,
      intake: this.gate.state,
      assigned: assignments.map(({ topic, partition }) => `${topic}[${partition}]`),
      lag: lags.map(({ topic, partition, records, waitingSinceMs }) => ({
        partition: `${topic}[${partition}]`,
        records,
        waiting_since: waitingSinceMs === null ? null : new Date(waitingSinceMs).toISOString(),
      })),
      last_fetch: lastFetchAt === null ? null : new Date(lastFetchAt).toISOString(),
      silent_brokers: silentBrokers,
      last_error: lastError?.message ?? null,
    }
  }
}
