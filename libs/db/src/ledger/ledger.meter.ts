import { Inject, Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Counter, Gauge } from 'prom-client'
import { collectBefore } from '#libs/metrics'
import { dbSettings, type DbSettings } from '../db.settings.js'
import { PostgresWorkerLease } from '../lease/postgres-worker-lease.js'
import {
  INTAKE_OPEN,
  LEASES_REAPED,
  LEDGER_BYTES,
  LEDGER_LIMIT,
  LEDGER_RUNS,
  LEDGER_TASKS,
  OLDEST_DUE,
  OUTBOX,
  OUTBOX_OLDEST,
  RECOVERED_MAYBE_PAID,
  RECOVERED_TASKS,
} from './ledger.metrics.js'
import { BOOKED_EVENTS } from './booking.sql.js'
import { PostgresIntakeGate } from './postgres-intake-gate.js'

/** Shows the sample that the intake gate takes each second: nothing is asked of PostgreSQL when the metrics are read. */
@Injectable()
export class LedgerMeter {
  constructor(
    private readonly gate: PostgresIntakeGate,
    lease: PostgresWorkerLease,
    @Inject(dbSettings.KEY) { caps }: DbSettings,
    @InjectMetric(LEDGER_TASKS) tasks: Gauge<'state'>,
    @InjectMetric(LEDGER_RUNS) runs: Gauge<'event'>,
    @InjectMetric(LEDGER_LIMIT) limit: Gauge<'state'>,
    @InjectMetric(LEDGER_BYTES) bytes: Gauge,
    @InjectMetric(OLDEST_DUE) oldestDue: Gauge,
    @InjectMetric(OUTBOX) outbox: Gauge,
    @InjectMetric(OUTBOX_OLDEST) outboxOldest: Gauge,
    @InjectMetric(INTAKE_OPEN) open: Gauge,
    @InjectMetric(LEASES_REAPED) reaped: Counter,
    @InjectMetric(RECOVERED_TASKS) recovered: Counter,
    @InjectMetric(RECOVERED_MAYBE_PAID) maybePaid: Counter,
  ) {
    limit.set({ state: 'pending' }, caps.pendingTasks)
    limit.set({ state: 'deferred' }, caps.deferredTasks)
    limit.set({ state: 'running' }, caps.runningTasks)
    collectBefore(tasks, () => this.showTasks(tasks))
    collectBefore(runs, () => this.showRuns(runs))
    collectBefore(bytes, () => this.show(bytes, 'pending_bytes'))
    collectBefore(oldestDue, () => this.show(oldestDue, 'oldest_due_s'))
    collectBefore(outbox, () => this.show(outbox, 'outbox'))
    collectBefore(outboxOldest, () => this.show(outboxOldest, 'outbox_oldest_s'))
    collectBefore(open, () => open.set(gate.state.open ? 1 : 0))
    lease.events.on('reaped', (freed) => {
      reaped.inc()
      recovered.inc(freed.tasks)
      maybePaid.inc(freed.maybePaid)
    })
  }

  private showTasks(gauge: Gauge<'state'>): void {
    const sample = this.gate.lastSample
    if (sample) for (const state of ['pending', 'deferred', 'running', 'held'] as const) gauge.set({ state }, sample[state])
  }

  private showRuns(gauge: Gauge<'event'>): void {
    const sample = this.gate.lastSample
    if (sample) for (const event of BOOKED_EVENTS) gauge.set({ event }, sample.books[event] ?? 0)
  }

  private show(gauge: Gauge, fact: 'pending_bytes' | 'oldest_due_s' | 'outbox' | 'outbox_oldest_s'): void {
    const sample = this.gate.lastSample
    if (sample) gauge.set(sample[fact])
  }
}
