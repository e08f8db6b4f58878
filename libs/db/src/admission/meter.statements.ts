import type { Booking, MeterChange, MeterKey, MeterLevel } from '#libs/kernel'
import { makeBigintArray, makeFloatArray, makeIntegerArray, makeTextArray, makeUuidArray } from '../connection/binary-array.js'
import type { HotPool, Row, Statement, StatementRunner } from '../connection/hot-pool.js'

/** Of meters that are not daily. */
const NO_DAY = '1970-01-01'

const ADD: Statement = {
  name: 'meter-add',
  text: `
  INSERT INTO usage_meter (meter, day)
  SELECT meter, coalesce(day::date, (now() AT TIME ZONE 'UTC')::date) FROM unnest($1::text[], $2::text[]) AS i(meter, day)
  ORDER BY 1, 2 ON CONFLICT DO NOTHING`,
}

/** Without a day it is today's. */
const LEVELS = `
  SELECT m.meter, m.day::text AS day, m.amount, (extract(epoch FROM clock_timestamp() - m.changed_at) * 1000)::float8 AS since_ms
  FROM usage_meter m
  WHERE m.meter = ANY($1::text[])
    AND ((m.meter, m.day) IN (
      SELECT meter, coalesce(day::date, (now() AT TIME ZONE 'UTC')::date) FROM unnest($1::text[], $2::text[]) AS i(meter, day)
    )) IS TRUE
  ORDER BY m.meter, m.day`

/** In one order for everybody, so that nobody waits for another in a circle. */
const LOCK: Statement = { name: 'meter-lock', text: `${LEVELS} FOR UPDATE` }

const READ: Statement = { name: 'meter-read', text: LEVELS }

const WRITE: Statement = {
  name: 'meter-write',
  text: `
  UPDATE usage_meter m SET amount = i.amount, changed_at = clock_timestamp()
  FROM unnest($1::text[], $2::text[], $3::float8[]) AS i(meter, day, amount) WHERE m.meter = i.meter AND m.day = i.day::date`,
}

/** Those of these attempts that are metered and have not been booked, with what was reserved for them. */
const FIND_UNBOOKED: Statement = {
  name: 'attempt-find-unbooked',
  text: `
  SELECT id, metered_on::text AS day FROM attempt
  WHERE accepted_on = ANY($1::text[]::date[]) AND task_number = ANY($2::bigint[]) AND (id IN (SELECT unnest($3::uuid[]))) IS TRUE
    AND metered_on IS NOT NULL AND booked_at IS NULL`,
}

const BOOK: Statement = {
  name: 'attempt-book',
  text: `
  UPDATE attempt a SET booked_tokens = i.tokens, booked_money = i.money, booked_at = now()
  FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::integer[], $5::float8[]) AS i(accepted_on, task_number, id, tokens, money)
  WHERE a.accepted_on = i.accepted_on::date AND a.task_number = i.task_number AND a.id = i.id AND a.metered_on IS NOT NULL AND a.booked_at IS NULL
  RETURNING a.id, a.metered_on::text AS day, a.reserved_tokens, a.reserved_max_tokens, a.reserved_money`,
}

interface MeterRow extends Row {
  meter: string
  day: string
  amount: number | null
  since_ms: number
}

interface BookedRow extends Row {
  id: string
  day: string
  reserved_tokens: number
  reserved_max_tokens: number
  reserved_money: number | null
}

interface DatedMeter extends MeterKey {
  /** Today's where left out. */
  readonly day?: string
}

/** Makes what is not there yet. Amounts stay as they are until the transaction ends. */
export async function lockMeters(transaction: StatementRunner, meters: readonly DatedMeter[]): Promise<MeterLevel[]> {
  const values = makeKeyArrays(meters)
  let rows = await transaction.run<MeterRow>(LOCK, values)
  if (rows.length < meters.length) {
    await transaction.run(ADD, values)
    rows = await transaction.run<MeterRow>(LOCK, values)
  }
  return rows.map(makeLevel)
}

/** As they are, of today. What nobody has used yet is not among them. */
export async function readMeters(runner: StatementRunner, meters: readonly MeterKey[]): Promise<MeterLevel[]> {
  return meters.length === 0 ? [] : (await runner.run<MeterRow>(READ, makeKeyArrays(meters))).map(makeLevel)
}

function makeKeyArrays(meters: readonly DatedMeter[]): Buffer[] {
  return [
    makeTextArray(meters.map(({ meter }) => meter)),
    makeTextArray(meters.map(({ isDaily, day }) => (isDaily ? (day ?? null) : NO_DAY))),
  ]
}

function makeLevel({ meter, day, amount, since_ms: sinceMs }: MeterRow): MeterLevel {
  return { meter, day, amount, sinceMs, isDaily: day !== NO_DAY }
}

export async function writeMeters(transaction: StatementRunner, changes: readonly MeterChange[]): Promise<void> {
  if (changes.length === 0) return
  await transaction.run(WRITE, [
    makeTextArray(changes.map(({ meter }) => meter)),
    makeTextArray(changes.map(({ day }) => day)),
    makeFloatArray(changes.map(({ amount }) => amount)),
  ])
}

/** Books attempts once each. Idempotent by attempt. */
export function bookAttempts(pool: HotPool, booking: Booking): Promise<void> {
  return pool.transaction(async (transaction) => {
    const { uses } = booking
    const found = await transaction.run<{ id: string; day: string }>(FIND_UNBOOKED, [
      makeTextArray([...new Set(uses.map(({ acceptedOn }) => acceptedOn))]),
      makeBigintArray(uses.map(({ taskId }) => taskId)),
      makeUuidArray(uses.map(({ attemptId }) => attemptId)),
    ])
    if (found.length === 0) return
    const days = new Map(found.map(({ id, day }) => [id, day]))
    const open = uses.filter(({ attemptId }) => days.has(attemptId))
    const meters = open.flatMap((use) => booking.metersOf(use).map((meter) => ({ ...meter, day: days.get(use.attemptId)! })))
    const keyed = new Map(meters.map((meter) => [`${meter.meter} ${meter.isDaily ? meter.day : ''}`, meter]))
    const levels = await lockMeters(transaction, [...keyed.values()])
    const rows = await transaction.run<BookedRow>(BOOK, [
      makeTextArray(open.map(({ acceptedOn }) => acceptedOn)),
      makeBigintArray(open.map(({ taskId }) => taskId)),
      makeUuidArray(open.map(({ attemptId }) => attemptId)),
      makeIntegerArray(open.map(({ tokens }) => tokens)),
      makeFloatArray(open.map(({ money }) => money)),
    ])
    const byId = new Map(open.map((use) => [use.attemptId, use]))
    const booked = rows.map((row) => ({
      use: byId.get(row.id)!,
      reservation: { tokens: row.reserved_tokens, maxTokens: row.reserved_max_tokens, money: row.reserved_money },
      day: row.day,
    }))
    await writeMeters(transaction, booking.book(levels, booked))
  })
}
