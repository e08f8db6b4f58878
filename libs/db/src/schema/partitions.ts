import type { HotPool } from '../connection/hot-pool.js'

/** Wide tables, with what their partitions need: room on the page where rows are updated in place. */
const PARTITIONED = [
  { table: 'task', options: '' },
  { table: 'attempt', options: ' WITH (fillfactor = 80)' },
  { table: 'answer', options: '' },
  { table: 'run_record', options: '' },
]
const DAYS_AHEAD = 3
const DAY_MS = 24 * 60 * 60 * 1_000
const INTERVAL_MS = 60 * 60 * 1_000

/** Makes the partitions of today and the next days, at start and each hour. One replica at a time does it, under a lock. */
export class PartitionKeeper {
  private timer: NodeJS.Timeout | undefined

  constructor(
    private readonly pool: HotPool,
    private readonly onError: (error: unknown) => void,
  ) {}

  async start(): Promise<void> {
    await this.makePartitions()
    this.timer = setInterval(() => void this.makePartitions().catch(this.onError), INTERVAL_MS)
  }

  stop(): void {
    clearInterval(this.timer)
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
        for (const { table, options } of PARTITIONED) {
          const name = `${table}_${from.replaceAll('-', '')}`
          await transaction.run(
            {
              name: `partition-${name}`,
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
