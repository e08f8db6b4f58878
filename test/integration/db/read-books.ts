import type { BookedEvent } from '../../../libs/db/src/ledger/booking.sql.js'
import type { TestDatabase } from './test-database.js'

export type Books = Partial<Record<BookedEvent, number>>

export async function readBooks({ sql }: TestDatabase): Promise<Books> {
  const rows = await sql.rows<{ event: BookedEvent; amount: number }>(
    'SELECT event, sum(amount)::integer AS amount FROM ledger_book GROUP BY event',
  )
  return Object.fromEntries(rows.filter(({ amount }) => amount !== 0).map(({ event, amount }) => [event, amount]))
}

/** Opened, and neither ended nor in hand. */
export async function findDifference(database: TestDatabase): Promise<number> {
  const books = await readBooks(database)
  const inHand = await database.sql.value<number>('SELECT count(*)::integer FROM task_queue')
  const sum = (...events: readonly BookedEvent[]) => events.reduce((total, event) => total + (books[event] ?? 0), 0)
  return sum('accepted', 'redriven') - sum('succeeded', 'failed', 'cancelled', 'expired') - inHand
}
