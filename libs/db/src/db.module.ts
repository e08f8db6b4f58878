import { hostname } from 'node:os'
import { Global, Module } from '@nestjs/common'
import { AdmissionStore, AuditLog, IntakeGate, Ledger, LimitReads, UnusedAnswers, WorkerLease } from '#libs/kernel'
import { PortPolicies, ResilienceEvents } from '#libs/resilience'
import { PostgresAdmissionStore } from './admission/postgres-admission.store.js'
import { PostgresLimitReads } from './admission/postgres-limit-reads.js'
import { isDatabaseAway } from './connection/database.error.js'
import { HotPool } from './connection/hot-pool.js'
import { readUrls } from './connection/read-urls.js'
import { DatabaseHealth } from './database.health.js'
import { DatabaseLifecycle } from './database.lifecycle.js'
import { DatabaseStatus } from './database.status.js'
import { dbSettings, type DbSettings } from './db.settings.js'
import { PostgresWorkerLease } from './lease/postgres-worker-lease.js'
import { makeRenewalLimits } from './lease/renewal-limits.js'
import { PostgresAuditLog } from './operators/postgres-audit-log.js'
import { PoolMeter } from './pool.meter.js'
import { poolMetrics } from './pool.metrics.js'
import { createIntakeGate } from './ledger/create-intake-gate.js'
import { LedgerMeter } from './ledger/ledger.meter.js'
import { ledgerMetrics } from './ledger/ledger.metrics.js'
import { DueTasks } from './ledger/due-tasks.js'
import { PostgresIntakeGate } from './ledger/postgres-intake-gate.js'
import { PostgresLedger } from './ledger/postgres-ledger.js'
import { PostgresUnusedAnswers } from './reads/postgres-unused-answers.js'
import { SchemaHealth } from './schema/schema.health.js'
import { schemaMetrics } from './schema/schema.metrics.js'
import { AbandonedAnswers } from './spool/abandoned-answers.js'
import { AnswerMeter } from './spool/answer.meter.js'
import { answerMetrics } from './spool/answer.metrics.js'
import { SpoolLifecycle } from './spool/spool.lifecycle.js'

/** What is not booked by then counts with what was reserved for it. A shutdown may have to wait for so long. */
const BOOKING_TRIES = { attempts: 20, budgetMs: 5_000 }

/** The ledger and all that hangs on it, for every module. Needs ConfigModule with dbSettings, HealthModule and ResilienceModule. */
@Global()
@Module({
  providers: [
    {
      provide: HotPool,
      inject: [dbSettings.KEY, PortPolicies],
      useFactory: (settings: DbSettings, policies: PortPolicies) =>
        new HotPool(
          { ...settings, readUrl: () => readUrls(settings).url },
          policies.makeBreaker({ port: 'postgres', settings: settings.breaker, isAway: isDatabaseAway }),
        ),
    },
    {
      provide: DueTasks,
      inject: [HotPool, dbSettings.KEY],
      useFactory: (pool: HotPool, settings: DbSettings) =>
        new DueTasks(pool, {
          ...settings,
          get directUrl() {
            return readUrls(settings).directUrl
          },
        }),
    },
    {
      provide: AbandonedAnswers,
      inject: [HotPool, dbSettings.KEY],
      useFactory: (pool: HotPool, { spool }: DbSettings) => new AbandonedAnswers(pool, spool.parentFolder),
    },
    {
      provide: PostgresWorkerLease,
      inject: [HotPool, dbSettings.KEY, AbandonedAnswers],
      useFactory: (pool: HotPool, settings: DbSettings, abandoned: AbandonedAnswers) =>
        new PostgresWorkerLease(pool, {
          worker: `${hostname()}:${process.pid}`,
          durationMs: settings.leaseDurationMs,
          // Without a breaker: a lease is renewed by whatever is left of PostgreSQL.
          renewals: new HotPool({ ...settings, ...makeRenewalLimits(settings.leaseDurationMs), readUrl: () => readUrls(settings).url }),
          beforeReaping: () => abandoned.bringIn(),
        }),
    },
    {
      provide: PostgresIntakeGate,
      inject: [HotPool, dbSettings.KEY, ResilienceEvents],
      useFactory: (pool: HotPool, settings: DbSettings, events: ResilienceEvents) =>
        createIntakeGate({ pool, caps: settings.caps, events }),
    },
    { provide: Ledger, useExisting: PostgresLedger },
    {
      provide: PostgresLedger,
      inject: [HotPool, PostgresWorkerLease, DueTasks, dbSettings.KEY, PortPolicies],
      useFactory: (pool: HotPool, lease: PostgresWorkerLease, due: DueTasks, settings: DbSettings, policies: PortPolicies) =>
        new PostgresLedger(pool, lease, due, {
          ...settings,
          persistence: policies.makeEndlessPolicy({ port: 'postgres', retry: settings.retry }),
        }),
    },
    {
      provide: SpoolLifecycle,
      inject: [PostgresLedger, dbSettings.KEY],
      useFactory: (ledger: PostgresLedger, { spool }: DbSettings) => new SpoolLifecycle(ledger, spool),
    },
    {
      provide: AdmissionStore,
      inject: [HotPool, PostgresWorkerLease, DueTasks, dbSettings.KEY, PortPolicies],
      useFactory: (pool: HotPool, lease: PostgresWorkerLease, due: DueTasks, { retry }: DbSettings, policies: PortPolicies) =>
        new PostgresAdmissionStore(pool, lease, due, policies.makePolicy({ port: 'postgres', retry: { ...retry, ...BOOKING_TRIES } })),
    },
    { provide: LimitReads, inject: [HotPool], useFactory: (pool: HotPool) => new PostgresLimitReads(pool) },
    { provide: AuditLog, inject: [HotPool], useFactory: (pool: HotPool) => new PostgresAuditLog(pool) },
    { provide: UnusedAnswers, inject: [HotPool], useFactory: (pool: HotPool) => new PostgresUnusedAnswers(pool) },
    { provide: WorkerLease, useExisting: PostgresWorkerLease },
    { provide: IntakeGate, useExisting: PostgresIntakeGate },
    DatabaseLifecycle,
    DatabaseHealth,
    DatabaseStatus,
    ...schemaMetrics,
    SchemaHealth,
    ...ledgerMetrics,
    LedgerMeter,
    ...poolMetrics,
    PoolMeter,
    ...answerMetrics,
    AnswerMeter,
  ],
  exports: [
    AuditLog,
    Ledger,
    AdmissionStore,
    LimitReads,
    UnusedAnswers,
    WorkerLease,
    IntakeGate,
    HotPool,
    PostgresWorkerLease,
    DatabaseLifecycle,
  ],
})
export class DbModule {}
