import pg from 'pg'
import { FORGET_BATCHES, INSERT, LIST_DAYS, LOG_LOCK_ID, makeDay, planDays, TABLES } from './log-line.statements.js'

export interface LogLineStoreOptions {
  readonly url: string
  readonly retentionDays: number
}

const CONNECT_TIMEOUT_MS = 5_000
const STATEMENT_TIMEOUT_MS = 10_000
const LOCK_TIMEOUT_MS = 2_000
/** Of PostgreSQL: the partition overlaps with lines that lie in the one for all others. */
const CHECK_VIOLATION = '23514'
const INSUFFICIENT_PRIVILEGE = '42501'

/**
 * The table of log lines, on few connections of its own: it may lie in another database than the ledger, and a slow one takes no connection from
 * the ledger. It makes its tables itself, as far as it may.
 */
export class LogLineStore {
  private readonly pool: pg.Pool

  constructor(private readonly options: LogLineStoreOptions) {
    this.pool = new pg.Pool({
      connectionString: options.url,
      max: 2,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: 2 * STATEMENT_TIMEOUT_MS,
      lock_timeout: LOCK_TIMEOUT_MS,
      idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
      application_name: 'sluice-log',
      keepAlive: true,
    })
    // A connection that breaks is told by an event too, while it is idle and while it is lent: without a listener that would end the process.
    this.pool.on('error', ignore)
    this.pool.on('connect', (client) => client.on('error', ignore))
  }

  /** Tables, the partitions of these days, and none that are older than they are kept. Many replicas may do it at once. */
  async maintain(nowMs: number): Promise<void> {
    const { wanted, oldest } = planDays(nowMs, this.options.retentionDays)
    await this.run(async (client) => {
      await client.query('SELECT pg_advisory_lock($1)', [LOG_LOCK_ID])
      try {
        for (const table of TABLES) await client.query(table)
        for (const day of wanted) await createDay(client, makeDay(day).create)
        const { rows } = await client.query<{ name: string }>(LIST_DAYS)
        for (const { name } of rows) if (name < oldest) await client.query(`DROP TABLE IF EXISTS ${name}`)
        await client.query(FORGET_BATCHES)
      } catch (error) {
        // Where somebody else has made them, writing is enough.
        if ((error as { code?: string }).code !== INSUFFICIENT_PRIVILEGE || !(await hasTables(client))) throw error
      } finally {
        await client.query('SELECT pg_advisory_unlock($1)', [LOG_LOCK_ID])
      }
    })
  }

  /** Idempotent by `batch`. */
  async insert(batch: string, lines: readonly string[]): Promise<void> {
    await this.run((client) => client.query({ ...INSERT, values: [batch, `[${lines.join(',')}]`] }))
  }

  async close(): Promise<void> {
    if (!this.pool.ended) await this.pool.end()
  }

  private async run(work: (client: pg.PoolClient) => Promise<unknown>): Promise<void> {
    const client = await this.pool.connect()
    let failed = true
    try {
      await work(client)
      failed = false
    } finally {
      // Whatever has failed on it, a new one is sure to be good.
      client.release(failed)
    }
  }
}

function ignore(): void {
  // The statement that is under way, or the next one, fails.
}

async function createDay(client: pg.PoolClient, create: string): Promise<void> {
  try {
    await client.query(create)
  } catch (error) {
    if ((error as { code?: string }).code !== CHECK_VIOLATION) throw error
  }
}

async function hasTables(client: pg.PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    `SELECT to_regclass('log_line') IS NOT NULL AND to_regclass('log_batch') IS NOT NULL AS there`,
  )
  return rows[0]!.there
}
