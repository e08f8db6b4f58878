import { TaskError } from '#libs/kernel'

/**
 * SQLSTATEs that are about the values of a statement: data exceptions, broken constraints, limits of a row. Only they may be held against
 * a task. Everything else is about the database (away, full, read-only, locked, behind in its schema, without a right), where the same
 * statement will succeed once somebody has repaired it: else one wrong grant would make dead letters of healthy tasks.
 */
const ABOUT_VALUES = /^(22|23|54)[0-9A-Z]{3}$/
const SQLSTATE = /^[0-9A-Z]{5}$/
/** A broken constraint (23514) by its code, but no task can help it. */
const MISSING_PARTITION = /no partition of relation/
const LOCK_NOT_AVAILABLE = '55P03'
const CONNECTION_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
])
const CONNECTION_MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error/
const POOL_ENDED = /pool after calling end/
/** Broken connections, a server that starts or stops, and one that takes no more connections. */
const AWAY = /^(08[0-9A-Z]{3}|57P0[1-3]|53300)$/

/** Names PostgreSQL's failure for the rest of Sluice. What is about the values of a statement, or a defect of ours, passes unchanged. */
export function toLedgerError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = codeOf(error)
  if (!isAboutDatabase(code, error.message)) return error
  return TaskError.unavailable('ledger_unavailable', `PostgreSQL cannot do this now${code && ` (${code})`}`, error)
}

/** Why there is no connection: whatever it is (no file descriptor, a certificate, a password), it is not about a statement. */
export function toConnectionError(error: unknown): TaskError {
  const known = toLedgerError(error)
  if (known instanceof TaskError) return known
  const code = error instanceof Error ? codeOf(error) : ''
  return TaskError.unavailable('ledger_unavailable', `PostgreSQL cannot be reached${code && ` (${code})`}`, error)
}

/** Somebody else held a lock for longer than `lock_timeout`. */
export function isLockTimeout(error: unknown): boolean {
  const cause = error instanceof TaskError ? error.cause : error
  return cause instanceof Error && codeOf(cause) === LOCK_NOT_AVAILABLE
}

/** A row of a day for which there is no partition, not made yet or dropped by retention. */
export function isPartitionMissing(error: unknown): boolean {
  const cause = error instanceof TaskError ? error.cause : error
  return cause instanceof Error && MISSING_PARTITION.test(cause.message)
}

/**
 * PostgreSQL cannot be reached or does not answer. Whatever else it refuses (a lock, a full disk, a right, a read-only copy), it is there,
 * and other statements may go through. A pool whose connections are all taken says so too, but it counts only while nothing succeeds.
 */
export function isDatabaseAway(error: unknown): boolean {
  const cause = error instanceof TaskError ? error.cause : error
  if (!(cause instanceof Error)) return false
  const code = codeOf(cause)
  return AWAY.test(code) || CONNECTION_ERRORS.has(code) || CONNECTION_MESSAGES.test(cause.message)
}

function isAboutDatabase(code: string, message: string): boolean {
  if (ABOUT_VALUES.test(code)) return MISSING_PARTITION.test(message)
  return SQLSTATE.test(code) || CONNECTION_ERRORS.has(code) || CONNECTION_MESSAGES.test(message) || POOL_ENDED.test(message)
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
