import pg from 'pg'
import type { PortBreaker } from '#libs/resilience'
import type { DbSettings } from '../db.settings.js'
import { toConnectionError, toLedgerError } from './database.error.js'
import { EvictingClient } from './evicting.client.js'
import { rowTypes } from './row-types.js'

export type Row = Record<string, unknown>

/** A statement that PostgreSQL prepares once per connection, where it has a name: unique to its text. */
export interface Statement {
  readonly name?: string
  readonly text: string
}

/** Runs statements: the pool itself (each in a transaction of its own) or one transaction. */
export interface StatementRunner {
  run<T extends Row>(statement: Statement, values: readonly unknown[]): Promise<T[]>
}

export interface PoolUse {
  /** As many as there may be. */
  readonly size: number
  readonly total: number
  readonly idle: number
  readonly waiting: number
}

/** A statement that is over; `statement` is its name, or `other`. */
export interface StatementTimes {
  readonly statement: string
  readonly result: 'ok' | 'failed'
  readonly durationMs: number
}

/**
 * The hot statements' own bounded pool, apart from TypeORM's. Each statement is planned once for each connection: their plans do not depend
 * on their values, and PostgreSQL would plan the first five executions anew. The planner's sequential scans are off: on these tables a plan
 * made while they were empty would otherwise be kept for ever.
 *
 * With a breaker, statements and transactions fail at once while PostgreSQL is away: `ledger_unavailable`, with the time of the next probe.
 */
export class HotPool implements StatementRunner {
  private readonly pool: pg.Pool
  private acquired: (waitMs: number) => void = () => {}
  private ended: (times: StatementTimes) => void = () => {}

  constructor(
    settings: Pick<DbSettings, 'url' | 'poolSize' | 'connectTimeoutMs' | 'statementTimeoutMs' | 'queryTimeoutMs'> & {
      /** Asked for each new connection, where it is given. */
      readonly readUrl?: () => string
    },
    private readonly breaker?: PortBreaker,
  ) {
    const { readUrl } = settings
    this.pool = new pg.Pool({
      ...(readUrl && { readUrl }),
      connectionString: settings.url,
      Client: EvictingClient as unknown as new () => pg.Client & pg.PoolClient,
      max: settings.poolSize,
      connectionTimeoutMillis: settings.connectTimeoutMs,
      statement_timeout: settings.statementTimeoutMs,
      query_timeout: settings.queryTimeoutMs,
      idle_in_transaction_session_timeout: settings.statementTimeoutMs,
      application_name: 'sluice',
      options: `-c enable_seqscan=off -c jit=off -c plan_cache_mode=force_generic_plan -c lock_timeout=${Math.min(10_000, settings.statementTimeoutMs)}`,
      keepAlive: true,
      types: rowTypes,
    })
    // A connection that breaks while idle is replaced at the next query; without a listener it would end the process.
    this.pool.on('error', () => {})
  }

  get use(): PoolUse {
    return { size: this.pool.options.max, total: this.pool.totalCount, idle: this.pool.idleCount, waiting: this.pool.waitingCount }
  }

  /** Tells how long each statement has waited for a connection, in milliseconds. */
  onAcquire(listener: (waitMs: number) => void): void {
    this.acquired = listener
  }

  /** Tells how long each statement has taken, without the wait for a connection. */
  onStatement(listener: (times: StatementTimes) => void): void {
    this.ended = listener
  }

  run<T extends Row>(statement: Statement, values: readonly unknown[]): Promise<T[]> {
    return this.breaker ? this.breaker.execute(() => this.query<T>(statement, values)) : this.query(statement, values)
  }

  /** All or nothing. `work` may run again only by a new call. */
  transaction<T>(work: (transaction: StatementRunner) => Promise<T>): Promise<T> {
    return this.breaker ? this.breaker.execute(() => this.transact(work)) : this.transact(work)
  }

  private async query<T extends Row>(statement: Statement, values: readonly unknown[]): Promise<T[]> {
    const client = await this.connect()
    const startedMs = performance.now()
    try {
      const { rows } = await client.query<T>({ ...statement, values: values as unknown[] })
      client.release()
      this.tell(statement, 'ok', startedMs)
      return rows
    } catch (error) {
      this.tell(statement, 'failed', startedMs)
      const cause = toLedgerError(error)
      // A connection on which PostgreSQL has only refused a statement is as good as before.
      client.release(cause !== error)
      throw cause
    }
  }

  private async transact<T>(work: (transaction: StatementRunner) => Promise<T>): Promise<T> {
    const client = await this.connect()
    let failure: Error | undefined
    try {
      await client.query('BEGIN')
      const result = await work({
        run: async (statement, values) => {
          const startedMs = performance.now()
          const { rows } = await client.query({ ...statement, values: values as unknown[] })
          this.tell(statement, 'ok', startedMs)
          return rows as never
        },
      })
      await client.query('COMMIT')
      return result
    } catch (error) {
      failure = error as Error
      await client.query('ROLLBACK').then(
        () => (failure = undefined),
        () => undefined,
      )
      throw toLedgerError(error)
    } finally {
      // With an error the pool destroys the client: its transaction could not be ended.
      client.release(failure)
    }
  }

  private tell({ name = 'other' }: Statement, result: StatementTimes['result'], startedMs: number): void {
    this.ended({ statement: name, result, durationMs: performance.now() - startedMs })
  }

  private async connect(): Promise<pg.PoolClient> {
    const askedMs = performance.now()
    try {
      const client = await this.pool.connect()
      this.acquired(performance.now() - askedMs)
      return client
    } catch (error) {
      throw toConnectionError(error)
    }
  }

  async close(): Promise<void> {
    if (!this.pool.ended) await this.pool.end()
  }
}
