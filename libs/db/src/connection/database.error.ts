import { TaskError } from '#libs/kernel'

/** SQLSTATEs after which the same statement may succeed: connection, resources, operator intervention, serialization, deadlock, read-only. */
const RETRYABLE_STATE = /^(08...|53...|57...|55P03|40001|40P01|25006|58...)$/
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
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|pool after calling end/

/** Names PostgreSQL's failure for the rest of Sluice. What is not about its availability is a defect of ours and passes unchanged. */
export function toLedgerError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (!RETRYABLE_STATE.test(code) && !CONNECTION_ERRORS.has(code) && !CONNECTION_MESSAGES.test(error.message)) return error
  return TaskError.unavailable('ledger_unavailable', `PostgreSQL cannot do this now${code && ` (${code})`}`, error)
}
