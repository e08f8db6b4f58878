import type { HotPool } from '../connection/hot-pool.js'
import { WIDE_TABLES } from './wide-tables.js'
import { applyRetention, type RetentionLimits, type RetentionReport } from './retention.js'

const DAYS_AHEAD = 3
const DAY_MS = 24 * 60 * 60 * 1_000
/** Waiting longer would make others wait behind us; the next hour is early enough, since three days are made ahead. */
const LOCK_TIMEOUT_MS = 1_000
const INTERVAL_MS = 60 * 60 * 1_000

/**
 * Makes the partitions of today and the next days, at start and each hour, under a lock so that one replica at a time does it; and drops what
 * is old, each hour.
 */
export class PartitionKeeper {
  private timer: NodeJS.Timeout | undefined
  private stopped = false

  constructor(
    private readonly pool: HotPool,
    private readonly retention: RetentionLimits,
    private readonly events: { readonly onError: (error: unknown) => void; readonly onRemoved: (report: RetentionReport) => void },
  ) {}

  async start(): Promise<void> {
    await this.makePartitions()
    this.timer ??= setInterval(() => void this.keep().catch(this.events.onError), INTERVAL_MS)
  }

  stop(): void {
    this.stopped = true
    clearInterval(this.timer)
  }

  private async keep(): Promise<void> {
    await this.makePartitions()
    const report = await applyRetention(this.pool, this.retention, () => this.stopped)
    if (report.days.length + report.postponed.length + report.identities + report.rejections > 0) this.events.onRemoved(report)
  }

  private async makePartitions(): Promise<void> {
    const rows = await this.pool.run<{ today: string }>({ text: `SELECT (now() AT TIME ZONE 'UTC')::date AS today` }, [])
    for (let day = 0; day <= DAYS_AHEAD; day++) {
      for (const { table, options } of WIDE_TABLES) await this.makePartition(table, addDays(rows[0]!.today, day), options)
    }
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
