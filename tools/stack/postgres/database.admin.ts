import { Client } from 'pg'
import { withDatabase } from './database-url.js'

export interface CreateDatabaseOptions {
  /** A database to copy, with its tables and rows; nobody may be connected to it meanwhile. */
  readonly template?: string
}

/** Makes an empty database on the server behind the URL, and gives its URL. */
export async function createDatabase(serverUrl: string, name: string, { template }: CreateDatabaseOptions = {}): Promise<string> {
  await withClient(serverUrl, async (client) => {
    const copy = template === undefined ? '' : ` TEMPLATE ${client.escapeIdentifier(template)}`
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}${copy}`)
  })
  return withDatabase(serverUrl, name)
}

/** Ends the sessions that are connected to it, or a leaked pool of one test would keep its database for ever. */
export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await withClient(serverUrl, async (client) => {
    await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`)
  })
}

/** Throws unless the server answers a query. */
export async function probeDatabase(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    await client.query('SELECT 1')
  })
}

async function withClient(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 3_000, query_timeout: 60_000 })
  // A server that ends while we are connected must not end this process with it; the query itself fails anyway.
  client.on('error', () => undefined)
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
