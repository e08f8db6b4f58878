import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Gauge } from 'prom-client'
import { Clock, IntakeGate } from '#libs/kernel'
import { collectBefore } from '#libs/metrics'
import { KafkaStatus } from './consumer/kafka-status.js'
import { ASSIGNED, FETCH_AGE, LAG_RECORDS, LAG_SECONDS, PAUSED } from './kafka.metrics.js'

/** Shows how far behind the intake is, at the moment when somebody reads it. */
@Injectable()
export class IntakeMeter {
  constructor(
    private readonly status: KafkaStatus,
    private readonly clock: Clock,
    private readonly gate: IntakeGate,
    @InjectMetric(LAG_RECORDS) lagRecords: Gauge<'topic' | 'partition'>,
    @InjectMetric(LAG_SECONDS) lagSeconds: Gauge<'topic'>,
    @InjectMetric(ASSIGNED) assigned: Gauge,
    @InjectMetric(FETCH_AGE) fetchAge: Gauge,
    @InjectMetric(PAUSED) paused: Gauge,
  ) {
    collectBefore(lagRecords, () => this.showRecords(lagRecords))
    collectBefore(lagSeconds, () => this.showSeconds(lagSeconds))
    collectBefore(assigned, () => assigned.set(status.current.assignments.length))
    collectBefore(fetchAge, () => fetchAge.set(this.readFetchAge()))
    collectBefore(paused, () => paused.set(gate.state.open ? 0 : 1))
  }

  /** Partitions that this replica has given up are another one's to show. */
  private showRecords(gauge: Gauge<'topic' | 'partition'>): void {
    gauge.reset()
    for (const { topic, partition, records } of this.status.current.lags) gauge.set({ topic, partition: String(partition) }, records)
  }

  private showSeconds(gauge: Gauge<'topic'>): void {
    const nowMs = this.clock.nowMs()
    const seconds = new Map<string, number>()
    for (const { topic, waitingSinceMs } of this.status.current.lags) {
      const waited = waitingSinceMs === null ? 0 : Math.max(0, nowMs - waitingSinceMs) / 1_000
      seconds.set(topic, Math.max(seconds.get(topic) ?? 0, waited))
    }
    gauge.reset()
    for (const [topic, value] of seconds) gauge.set({ topic }, value)
  }

  private readFetchAge(): number {
    const { lastFetchAt, assignments } = this.status.current
    // Where the gate is closed nothing is fetched once the window is full.
    if (lastFetchAt === null || assignments.length === 0 || !this.gate.state.open) return 0
    return Math.max(0, this.clock.nowMs() - lastFetchAt) / 1_000
  }
}
