/** What happens to runs and deliveries, as far as it is counted. `ledger_book.event` has the same list. */
export const BOOKED_EVENTS = ['accepted', 'redriven', 'rejected', 'succeeded', 'failed', 'cancelled', 'expired'] as const
export type BookedEvent = (typeof BOOKED_EVENTS)[number]

/**
 * A part of a statement that counts what the statement does, in its own transaction: so the sums are right whoever dies and whenever. `events` is a
 * query with the columns event and amount. The rows belong to the backend, so no two statements wait for each other here; those of backends
 * that are gone are put together by FOLD.
 */
export const makeBooking = (events: string) => `
  booked AS (
    INSERT INTO ledger_book AS b (backend, event, amount)
    SELECT pg_backend_pid(), event, amount FROM (${events}) e WHERE amount <> 0 ORDER BY event
    ON CONFLICT (backend, event) DO UPDATE SET amount = b.amount + excluded.amount
  )`

/** Backends come and go: what those have counted that are gone becomes one row for each event. */
export const FOLD = `
  WITH gone AS (
    DELETE FROM ledger_book b WHERE backend <> 0 AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = b.backend) RETURNING event, amount
  )
  INSERT INTO ledger_book AS b (backend, event, amount) SELECT 0, event, sum(amount) FROM gone GROUP BY event ORDER BY event
  ON CONFLICT (backend, event) DO UPDATE SET amount = b.amount + excluded.amount`
