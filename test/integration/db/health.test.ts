import { HealthRegistry } from '#libs/health'
import { describe, expect, it } from 'vitest'
import { DatabaseHealth } from '../../../libs/db/src/database.health.js'
import type { DatabaseLifecycle } from '../../../libs/db/src/database.lifecycle.js'
import { createLedgerDatabase } from './test-database.js'
import { openReplica } from './test-replica.js'

describe(DatabaseHealth.name, () => {
  it('is down while PostgreSQL only reads, as the old primary does after a failover: it once asked for nothing that needs a write', async () => {
    const database = await createLedgerDatabase()
    const replica = await openReplica(database)
    const lifecycle = { state: { ready: true } } as DatabaseLifecycle
    const health = new DatabaseHealth(new HealthRegistry(), replica.pool, replica.lease, lifecycle)
    await expect(health.check()).resolves.toMatchObject({ status: 'up' })
    const name = new URL(database.url).pathname.slice(1)
    await database.sql.rows(`ALTER DATABASE ${name} SET default_transaction_read_only = on`)
    await database.sql.rows(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sluice'`,
    )
    await expect
      .poll(() => health.check().catch((error: unknown) => error))
      .toMatchObject({ status: 'down', details: { error: 'PostgreSQL is read-only: DATABASE_URL must lead to the primary' } })
  })
})
