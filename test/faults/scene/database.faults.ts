import pg from 'pg'
import type { FaultScene, Undo } from './fault.scene.js'

/** Statements on one session of the ledger's database, which stays open until they are undone: it may hold a lock or a transaction. */
export async function runStatements(begin: readonly string[], end: readonly string[], { rig }: FaultScene): Promise<Undo> {
  const client = new pg.Client({ connectionString: rig.databaseUrl })
  // It may be a fault that ends connections.
  client.on('error', () => undefined)
  await client.connect()
  for (const statement of begin) await client.query(statement)
  return async () => {
    for (const statement of end) await client.query(statement)
    await client.end()
  }
}

/**
 * Takes every connection that PostgreSQL has left, those of the workers too: they get `53300` from then on. Gives what lets go of them.
 * One more is there for the run itself, since the reader of the rig keeps its own.
 */
export async function takeConnections({ rig }: FaultScene): Promise<Undo> {
  const taken: pg.Client[] = []
  const takeAll = async () => {
    for (;;) {
      const client = new pg.Client({ connectionString: rig.databaseUrl, application_name: 'crowd' })
      client.on('error', () => undefined)
      try {
        await client.connect()
      } catch {
        return
      }
      taken.push(client)
    }
  }
  await takeAll()
  // Whoever is quicker gets a place that comes free: a few rounds leave the workers none.
  for (let round = 0; round < ROUNDS; round++) {
    await taken[0]!.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'sluice%'`,
    )
    await takeAll()
  }
  return async () => void (await Promise.all(taken.map((client) => client.end())))
}

const ROUNDS = 5
