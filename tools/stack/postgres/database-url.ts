/** Of local servers on 127.0.0.1 only: a password that is no secret, so that clients still go through authentication. */
export const DATABASE_USER = 'sluice'
export const DATABASE_PASSWORD = 'sluice'

/** The database that initdb makes. */
export const DEFAULT_DATABASE = 'postgres'

export function makeDatabaseUrl(port: number, database: string = DEFAULT_DATABASE): string {
  return `postgresql://${DATABASE_USER}:${DATABASE_PASSWORD}@127.0.0.1:${port}/${database}`
}

/** The same server, another database. */
export function withDatabase(databaseUrl: string, database: string): string {
  const url = new URL(databaseUrl)
  url.pathname = `/${encodeURIComponent(database)}`
  return url.href
}
