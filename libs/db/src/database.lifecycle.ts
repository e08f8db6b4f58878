import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common'
import { HotPool } from './connection/hot-pool.js'
import { readUrls } from './connection/read-urls.js'
import { dbSettings, type DbSettings } from './db.settings.js'
import { PostgresWorkerLease } from './lease/postgres-worker-lease.js'
import type { ReceivedAnswer } from './ledger/answer.statement.js'
import { DueTasks } from './ledger/due-tasks.js'
import { PostgresLedger } from './ledger/postgres-ledger.js'
import { PostgresIntakeGate } from './ledger/postgres-intake-gate.js'
import { migrate, missingMigrations } from './schema/migrator.js'
import { PartitionKeeper } from './schema/partitions.js'
import { AbandonedAnswers } from './spool/abandoned-answers.js'
import { SpoolLifecycle } from './spool/spool.lifecycle.js'
import { SpoolStore } from './spool/spool.store.js'

const RETRY_MS = 1_000

export type DatabaseState = { readonly ready: true } | { readonly ready: false; readonly reason: string }

/**
 * Brings PostgreSQL's side up and down: schema, partitions, lease, gate, listener. While PostgreSQL is away at start it keeps trying, and
 * the rest of the service waits; the process does not crash in a loop.
 */
@Injectable()
export class DatabaseLifecycle implements OnApplicationShutdown {
  private readonly logger = new Logger(DatabaseLifecycle.name)
  private readonly partitions: PartitionKeeper
  private stopping = false
  state: DatabaseState = { ready: false, reason: 'not started' }

  constructor(
    @Inject(dbSettings.KEY) private readonly settings: DbSettings,
    private readonly pool: HotPool,
    private readonly lease: PostgresWorkerLease,
    private readonly gate: PostgresIntakeGate,
    private readonly due: DueTasks,
    private readonly ledger: PostgresLedger,
    private readonly abandoned: AbandonedAnswers,
    private readonly spool: SpoolLifecycle,
  ) {
    this.partitions = new PartitionKeeper(pool, settings.retention, {
      onError: (error) => this.logger.error('partitions could not be made or old ones dropped', { error }),
      onRemoved: (report) => this.logger.log('old history was removed', { ...report }),
    })
    lease.events.on('lost', (fence) => this.logger.error('the lease was lost', { lease: fence }))
    lease.events.on('reaped', (freed) => this.logger.warn('tasks of a dead worker were freed', { ...freed }))
    lease.events.on('suspect', () => due.announce())
    lease.events.on('released', (freed) => this.logger.log('the lease was given back', { ...freed }))
    lease.events.on('error', (error) => this.logger.warn('the lease could not be renewed', { error }))
  }

  /** Resolves when tasks may be taken in and run. Never rejects; it gives up only when the service stops. */
  async start(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.prepare()
        this.state = { ready: true }
        return
      } catch (error) {
        this.state = { ready: false, reason: (error as Error).message }
        this.logger.warn('waiting for PostgreSQL', { error })
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, RETRY_MS / 2 + (Math.random() * RETRY_MS) / 2)
          signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
        })
      }
    }
  }

  private async prepare(): Promise<void> {
    const { migrationUrl, directUrl } = readUrls(this.settings)
    if (this.settings.migrateOnStart) {
      const { applied } = await migrate(migrationUrl)
      if (applied.length > 0) this.logger.log('the schema was migrated', { applied })
    }
    const missing = await missingMigrations(directUrl)
    if (missing.length > 0) throw new Error(`the schema lacks ${missing.join(', ')}: run "npm run migrate", or set MIGRATE_ON_START=true`)
    await this.partitions.start()
    await this.spool.start()
    // Before a lease is held, and so before anything is claimed.
    await this.abandoned.bringIn()
    if (this.lease.fence === null) await this.lease.start()
    await this.gate.start()
    await this.due.start()
  }

  /** Runs last: the transports have drained before. */
  async onApplicationShutdown(): Promise<void> {
    if (this.stopping) return
    this.stopping = true
    await this.spool.stop()
    const unstored = this.ledger.waitingAnswers.olderThan(0).map(({ received }) => received)
    this.ledger.stop()
    this.gate.stop()
    this.partitions.stop()
    await this.due.stop()
    const leaves = !(await this.storeLast(unstored))
    await this.lease.stop({ leaves }).catch((error: unknown) => this.logger.warn('the lease could not be given back', { error }))
    await this.pool.close()
  }

  /** One last try. false: calls are paid for whose answers are not in the ledger. */
  private async storeLast(answers: readonly ReceivedAnswer[]): Promise<boolean> {
    if (answers.length === 0) return true
    try {
      await new SpoolStore(this.pool).store(answers)
      return true
    } catch (error) {
      this.logger.error('answers could not be stored: the lease is left to expire', { answers: answers.length, error })
      return false
    }
  }
}
