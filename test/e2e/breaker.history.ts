import type { LedgerReader } from '#tools/rig'

interface Change {
  readonly status: 'closed' | 'open' | 'half_open'
  readonly open_until: Date | null
  readonly at: Date
}

/** A time for which a route was open, or half open, and how many attempts were opened meanwhile. */
export interface BreakerPeriod {
  readonly status: Change['status']
  readonly attempts: number
  /** The probe was given back: nothing had been sent. */
  readonly wasReturned: boolean
}

/** An attempt that was opened by a statement that had begun before the route opened was right. */
const STATEMENT_MS = 100

/** What the breaker of a route did: PostgreSQL writes down each change. */
export class BreakerHistory {
  private constructor(private readonly ledger: LedgerReader) {}

  static async start(ledger: LedgerReader): Promise<BreakerHistory> {
    await ledger.rows(
      'CREATE TABLE IF NOT EXISTS breaker_change (status text, open_until timestamptz, at timestamptz DEFAULT clock_timestamp())',
    )
    await ledger.rows('DELETE FROM breaker_change')
    await ledger.rows(`
      CREATE OR REPLACE FUNCTION note_breaker() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'INSERT' OR NEW.status <> OLD.status THEN
          INSERT INTO breaker_change (status, open_until) VALUES (NEW.status, NEW.open_until);
        END IF;
        RETURN NULL;
      END $$`)
    await ledger.rows(
      'CREATE OR REPLACE TRIGGER note_breaker AFTER INSERT OR UPDATE ON route_breaker FOR EACH ROW EXECUTE FUNCTION note_breaker()',
    )
    return new BreakerHistory(ledger)
  }

  /** Probes that have ended so far, in vain or not. */
  async countProbes(): Promise<number> {
    return (await this.readPeriods()).filter(({ status, wasReturned }) => status === 'half_open' && !wasReturned).length
  }

  /** Those that have ended, oldest first. */
  async readPeriods(): Promise<BreakerPeriod[]> {
    const changes = await this.ledger.rows<Change>('SELECT * FROM breaker_change ORDER BY at')
    // Without those that follow one at once on the same stream, because the token was refused.
    const attempts = await this.ledger.rows<{ opened_at: Date }>('SELECT opened_at FROM attempt WHERE counted')
    return changes.slice(0, -1).map((change, index) => {
      const next = changes[index + 1]!
      const startMs = change.at.getTime() + (change.status === 'open' ? STATEMENT_MS : 0)
      const opened = attempts.filter(({ opened_at: at }) => at.getTime() >= startMs && at.getTime() < next.at.getTime())
      const wasReturned =
        change.status === 'half_open' && next.status === 'open' && next.open_until!.getTime() === change.open_until!.getTime()
      return { status: change.status, attempts: opened.length, wasReturned }
    })
  }
}
