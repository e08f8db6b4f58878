import { makeTextArray } from '../connection/binary-array.js'
import type { HotPool, Statement } from '../connection/hot-pool.js'
import { FOLD } from '../ledger/booking.sql.js'
import { WIDE_TABLES } from './wide-tables.js'
import { applyRetention, type RetentionLimits, type RetentionReport } from './retention.js'

const DAYS_AHEAD = 3
const DAY_MS = 24 * 60 * 60 * 1_000
/** Waiting longer would make others wait behind us; the next look is early enough, since three days are made ahead. */
const LOCK_TIMEOUT_MS = 1_000
/** Short, since without a partition of today nothing is accepted: after a step of PostgreSQL's clock, or days in which none could be made. */
const PARTITIONS_INTERVAL_MS = 60 * 1_000
const RETENTION_INTERVAL_MS = 60 * 60 * 1_000

const MISSING: Statement = {
  name: 'partitions-missing',
  text: `
  SELECT t.name AS "table", d.day::text AS day FROM unnest($1::text[]) AS t(name)
  CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE 'UTC')::date + n AS day FROM generate_series(0, ${DAYS_AHEAD}) AS n) d
  WHERE NOT EXISTS (
    SELECT FROM pg_inherits i WHERE i.inhparent = t.name::regclass AND i.inhrelid = to_regclass(t.name || '_' || to_char(d.day, 'YYYYMMDD'))
  )
  ORDER BY d.day, t.name`,
}

/**
 * Makes the partitions of today and the next days, at start and each minute where one is missing, under a lock so that one replica at a time
 * does it; and drops what is old, each hour.
 */
export class PartitionKeeper {
  private readonly timers: NodeJS.Timeout[] = []
  private stopped = false

  constructor(
    private readonly pool: HotPool,
    private readonly retention: RetentionLimits,
    private readonly events: { readonly onError: (error: unknown) => void; readonly onRemoved: (report: RetentionReport) => void },
  ) {}

  async start(): Promise<void> {
    await this.makePartitions()
    this.repeat(() => this.makePartitions(), PARTITIONS_INTERVAL_MS)
    this.repeat(() => this.removeOld(), RETENTION_INTERVAL_MS)
  }

  stop(): void {
    this.stopped = true
    this.timers.forEach(clearInterval)
  }

  private repeat(work: () => Promise<void>, intervalMs: number): void {
    this.timers.push(setInterval(() => void work().catch(this.events.onError), intervalMs))
  }

  private async removeOld(): Promise<void> {
    await this.pool.run({ name: 'books-fold', text: FOLD }, [])
    const report = await applyRetention(this.pool, this.retention, () => this.stopped)
    if (report.days.length + report.postponed.length + report.identities + report.rejections > 0) this.events.onRemoved(report)
  }

  private async makePartitions(): Promise<void> {
    const options = new Map(WIDE_TABLES.map((wide) => [wide.table as string, wide.options]))
    const missing = await this.pool.run<{ table: string; day: string }>(MISSING, [makeTextArray([...options.keys()])])
    for (const { table, day } of missing) await this.makePartition(table, day, options.get(table)!)
  }

  /**
   * Makes the table apart and attaches it: that locks the parent for a moment only, and against other changes of the schema, not against
   * reads and writes, where CREATE TABLE ... PARTITION OF would stall them all behind one long reader.
   */
  private async makePartition(table: string, day: string, options: string): Promise<void> {
    const name = `${table}_${day.replaceAll('-', '')}`
    await this.pool.transaction(async (transaction) => {
      await transaction.run({ text: `SELECT pg_advisory_xact_lock(hashtext('sluice.partitions'))` }, [])
      const there = await transaction.run(
        { text: 'SELECT FROM pg_inherits WHERE inhparent = $1::regclass AND inhrelid = to_regclass($2)' },
        [table, name],
      )
      if (there.length > 0) return
      await transaction.run({ text: `SET LOCAL lock_timeout = '${LOCK_TIMEOUT_MS}ms'` }, [])
      const until = addDays(day, 1)
      await transaction.run({ text: `CREATE TABLE ${name} (LIKE ${table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)${options}` }, [])
      await transaction.run({ text: `ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM ('${day}') TO ('${until}')` }, [])
    })
  }
}

function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)
}
