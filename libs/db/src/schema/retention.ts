import { isLockTimeout } from '../connection/database.error.js'
import { makeTextArray } from '../connection/binary-array.js'
import type { HotPool, Statement } from '../connection/hot-pool.js'
import { WIDE_TABLES } from './wide-tables.js'

/** Rows of one delete: small enough to hold no lock for long. */
const BATCH = 5_000
/** Everybody waits behind whoever waits for these locks. Below PostgreSQL's deadlock_timeout (1 s), so that it is never the others who give up. */
const LOCK_TIMEOUT_MS = 300

export interface RetentionLimits {
  /** Whole days of tasks, attempts, answers and ends. */
  readonly historyDays: number
  /** Task ids: as long as Kafka may deliver a task again. undefined: for ever. */
  readonly identityDays: number | undefined
}

const OLD_DAYS: Statement = {
  name: 'retention-days',
  text: `
  SELECT to_char(day, 'YYYYMMDD') AS day FROM (
    SELECT to_date(substring(c.relname FROM '_([0-9]{8})$'), 'YYYYMMDD') AS day
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'task'::regclass
  ) days
  WHERE day < (now() AT TIME ZONE 'UTC')::date - $1::integer
    AND NOT EXISTS (SELECT FROM task_queue q WHERE q.accepted_on = day)
    AND NOT EXISTS (SELECT FROM outbox o WHERE o.accepted_on = day)
  ORDER BY 1`,
}

/**
 * Whoever brings a task of an old day back (a resend, a redrive) reads its rows in these tables first, in the same transaction: under these
 * locks it has either committed, and the look that follows sees it, or it waits and then finds nothing. The parents are enough, and are
 * what a DROP needs in any case. Always in this order, as everybody else takes them.
 */
const LOCK_WIDE_TABLES: Statement = {
  text: `LOCK TABLE ${WIDE_TABLES.map(({ table }) => `ONLY ${table}`).join(', ')} IN ACCESS EXCLUSIVE MODE`,
}

const MAY_DROP: Statement = {
  name: 'retention-may-drop',
  text: `
  SELECT to_regclass('task_' || $1::text) IS NOT NULL
    AND NOT EXISTS (SELECT FROM task_queue q WHERE q.accepted_on = to_date($1::text, 'YYYYMMDD'))
    AND NOT EXISTS (SELECT FROM outbox o WHERE o.accepted_on = to_date($1::text, 'YYYYMMDD')) AS may_drop`,
}

/**
 * A redrive writes its task's identity before it puts the task into the queue, in one transaction. So ids are locked first and looked at
 * again by a statement of its own: it sees every redrive that had the row before, and one that comes later waits, finds the id gone and
 * stores it anew.
 */
const LOCK_OLD_IDENTITIES: Statement = {
  name: 'retention-lock-identities',
  text: `
  SELECT i.ctid::text AS place FROM task_identity i
  WHERE i.accepted_on < (now() AT TIME ZONE 'UTC')::date - $1::integer AND NOT EXISTS (SELECT FROM task_queue q WHERE q.id = i.id)
  LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`,
}

const DELETE_IDENTITIES: Statement = {
  name: 'retention-identities',
  text: `
  DELETE FROM task_identity i
  WHERE i.ctid = ANY($1::text[]::tid[]) AND NOT EXISTS (SELECT FROM task_queue q WHERE q.id = i.id)
  RETURNING 1`,
}

const OLD_REJECTIONS = `
  DELETE FROM rejected_delivery WHERE ctid = ANY(ARRAY(
    SELECT r.ctid FROM rejected_delivery r
    WHERE r.received_at < now() - make_interval(days => $1::integer)
      AND NOT EXISTS (SELECT FROM outbox o WHERE (o.topic, o.partition, o."offset") = (r.topic, r.partition, r."offset"))
    LIMIT ${BATCH}
  )) RETURNING 1`

/** With all their items: few at a time. */
const OLD_REDRIVES = `
  DELETE FROM redrive WHERE ctid = ANY(ARRAY(
    SELECT r.ctid FROM redrive r WHERE r.created_at < now() - make_interval(days => $1::integer) LIMIT 50
  )) RETURNING 1`

/** Budgets; the meters of a minute have no day of their own. */
const OLD_METERS = `
  DELETE FROM usage_meter WHERE ctid = ANY(ARRAY(
    SELECT m.ctid FROM usage_meter m WHERE m.day < (now() AT TIME ZONE 'UTC')::date - $1::integer AND m.day > '1970-01-01' LIMIT ${BATCH}
  )) RETURNING 1`

const OLD_LEASES = `DELETE FROM worker_lease WHERE state <> 'held' AND ended_at < now() - make_interval(days => $1::integer) RETURNING 1`

const OLD_KEYS = `
  DELETE FROM ordering_key WHERE ctid = ANY(ARRAY(
    SELECT k.ctid FROM ordering_key k
    WHERE k.touched_on < (now() AT TIME ZONE 'UTC')::date - $1::integer
      AND NOT EXISTS (SELECT FROM task_queue q WHERE q.ordering_key = k.ordering_key)
    LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
  )) RETURNING 1`

export interface RetentionReport {
  readonly days: readonly string[]
  /** Days that were in use: the next time will do. */
  readonly postponed: readonly string[]
  readonly identities: number
  readonly rejections: number
}

/**
 * Removes what is old enough: whole days in which every task has ended and every message is out, and single rows of the narrow tables, in
 * small batches. Safe to run on several replicas at once; `isStopped` is asked between the batches.
 */
export async function applyRetention(pool: HotPool, limits: RetentionLimits, isStopped: () => boolean): Promise<RetentionReport> {
  const { days, postponed } = await dropOldDays(pool, limits.historyDays)
  const remove = (name: string, text: string, age: number) => deleteInBatches(pool, { statement: { name, text }, age, isStopped })
  const identities = limits.identityDays === undefined ? 0 : await deleteIdentities(pool, limits.identityDays, isStopped)
  const rejections = await remove('retention-rejections', OLD_REJECTIONS, limits.historyDays)
  await remove('retention-leases', OLD_LEASES, limits.historyDays)
  await remove('retention-keys', OLD_KEYS, limits.historyDays)
  await remove('retention-meters', OLD_METERS, limits.historyDays)
  await remove('retention-redrives', OLD_REDRIVES, limits.historyDays)
  return { days, postponed, identities, rejections }
}

async function deleteIdentities(pool: HotPool, age: number, isStopped: () => boolean): Promise<number> {
  let deleted = 0
  for (let last = { locked: BATCH, deleted: 0 }; last.locked >= BATCH && !isStopped(); deleted += last.deleted) {
    last = await pool.transaction(async (transaction) => {
      const locked = await transaction.run<{ place: string }>(LOCK_OLD_IDENTITIES, [age])
      if (locked.length === 0) return { locked: 0, deleted: 0 }
      const gone = await transaction.run(DELETE_IDENTITIES, [makeTextArray(locked.map(({ place }) => place))])
      return { locked: locked.length, deleted: gone.length }
    })
  }
  return deleted
}

async function dropOldDays(pool: HotPool, historyDays: number): Promise<Pick<RetentionReport, 'days' | 'postponed'>> {
  const days: string[] = []
  const postponed: string[] = []
  for (const { day } of await pool.run<{ day: string }>(OLD_DAYS, [historyDays])) {
    const result = await dropDay(pool, day)
    if (result === 'dropped') days.push(day)
    if (result === 'postponed') postponed.push(day)
  }
  return { days, postponed }
}

/** kept: something of the day has come back since the first look, or another replica was faster. postponed: the tables were in use. */
async function dropDay(pool: HotPool, day: string): Promise<'dropped' | 'kept' | 'postponed'> {
  try {
    return await pool.transaction(async (transaction) => {
      await transaction.run({ text: `SET LOCAL lock_timeout = '${LOCK_TIMEOUT_MS}ms'` }, [])
      await transaction.run(LOCK_WIDE_TABLES, [])
      const [check] = await transaction.run<{ may_drop: boolean }>(MAY_DROP, [day])
      if (!check?.may_drop) return 'kept'
      for (const { table } of WIDE_TABLES) await transaction.run({ text: `DROP TABLE IF EXISTS ${table}_${day}` }, [])
      return 'dropped'
    })
  } catch (error) {
    if (isLockTimeout(error)) return 'postponed'
    throw error
  }
}

interface Batches {
  readonly statement: Statement
  readonly age: number
  readonly isStopped: () => boolean
}

async function deleteInBatches(pool: HotPool, { statement, age, isStopped }: Batches): Promise<number> {
  let deleted = 0
  for (let last = BATCH; last >= BATCH && !isStopped(); deleted += last) last = (await pool.run(statement, [age])).length
  return deleted
}
