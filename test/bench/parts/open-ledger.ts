import { SystemClock } from '#libs/kernel'
import { PortPolicies, ResilienceEvents } from '#libs/resilience'
import { createDatabase, dropDatabase, type Stack } from '#tools/stack'
import { HotPool } from '../../../libs/db/src/connection/hot-pool.js'
import { dbSettings } from '../../../libs/db/src/db.settings.js'
import { PostgresWorkerLease } from '../../../libs/db/src/lease/postgres-worker-lease.js'
import { DueTasks } from '../../../libs/db/src/ledger/due-tasks.js'
import { PostgresLedger } from '../../../libs/db/src/ledger/postgres-ledger.js'
import { migrate } from '../../../libs/db/src/schema/migrator.js'
import { PartitionKeeper } from '../../../libs/db/src/schema/partitions.js'

export interface OpenLedger extends AsyncDisposable {
  readonly ledger: PostgresLedger
  readonly pool: HotPool
}

/** A ledger in a database of its own, as a worker has it. */
export async function openLedger(stack: Stack, name: string, env: Readonly<Record<string, string>> = {}): Promise<OpenLedger> {
  const url = await createDatabase(stack.databaseUrl, name)
  await migrate(url)
  const settings = dbSettings.parse({ DATABASE_URL: url, ...env })
  const pool = new HotPool(settings)
  const partitions = new PartitionKeeper(pool, settings.retention, { onError: (error) => console.error(error), onRemoved: () => undefined })
  await partitions.start()
  const lease = new PostgresWorkerLease(pool, { worker: 'bench', durationMs: settings.leaseDurationMs })
  await lease.start()
  const due = new DueTasks(pool, settings)
  const policies = new PortPolicies(new ResilienceEvents(), new SystemClock(), Math.random)
  const ledger = new PostgresLedger(pool, lease, due, {
    ...settings,
    persistence: policies.makeEndlessPolicy({ port: 'postgres', retry: settings.retry }),
  })
  return {
    ledger,
    pool,
    async [Symbol.asyncDispose]() {
      ledger.stop()
      partitions.stop()
      await due.stop()
      await lease.stop()
      await pool.close()
      await dropDatabase(stack.databaseUrl, name)
    },
  }
}
