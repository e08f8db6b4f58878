import pg from 'pg'

type Row = Record<string, unknown>

/** Reads the service's database as an operator with psql would: plain SQL, bigint as number, times as Date. */
export class LedgerReader {
  private readonly pool: pg.Pool

  constructor(readonly url: string) {
    this.pool = new pg.Pool({
      connectionString: url,
      max: 4,
      application_name: 'sluice-rig',
      types: { getTypeParser: ((oid: number) => (oid === INT8 ? Number : pg.types.getTypeParser(oid))) as typeof pg.types.getTypeParser },
    })
    // The server may be killed on purpose while this reader is idle.
    this.pool.on('error', () => undefined)
  }

  async rows<T extends object>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    return (await this.pool.query<Row>(text, [...values])).rows as T[]
  }

  /** The only value of the only row. */
  async value<T>(text: string, values: readonly unknown[] = []): Promise<T> {
    const [row] = await this.rows<Row>(text, values)
    return Object.values(row!)[0] as T
  }

  async close(): Promise<void> {
    await this.pool.end()
  }
}

const INT8 = 20
