import type { HotPool } from '../connection/hot-pool.js'
import { WIDE_TABLES } from './wide-tables.js'
import { applyRetention, type RetentionLimits, type RetentionReport } from './retention.js'

const DAYS_AHEAD = 3
const DAY_MS = 24 * 60 * 60 * 1_000
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
    this.timer = setInterval(() => void this.keep().catch(this.events.onError), INTERVAL_MS)
  }

  stop(): void {
    this.stopped = true
    clearInterval(this.timer)
  }

  private async keep(): Promise<void> {
    await this.makePartitions()
    const report = await applyRetention(this.pool, this.retention, () => this.stopped)
    if (report.days.length + report.identities + report.rejections > 0) this.events.onRemoved(report)
  }

  private async makePartitions(): Promise<void> {
    await this.pool.transaction(async (transaction) => {
      await transaction.run({ name: 'partitions-lock', text: `SELECT pg_advisory_xact_lock(hashtext('sluice.partitions'))` }, [])
      const rows = await transaction.run<{ today: string }>(
        { name: 'partitions-today', text: `SELECT (now() AT TIME ZONE 'UTC')::date AS today` },
        [],
      )
      for (let day = 0; day <= DAYS_AHEAD; day++) {
        const from = addDays(rows[0]!.today, day)
        for (const { table, options } of WIDE_TABLES) {
          const name = `${table}_${from.replaceAll('-', '')}`
          await transaction.run(
            {
              text: `CREATE TABLE IF NOT EXISTS ${name} PARTITION OF ${table} FOR VALUES FROM ('${from}') TO ('${addDays(from, 1)}')${options}`,
            },
            [],
          )
        }
      }
    })
  }
}

function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)
}
