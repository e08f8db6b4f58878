import type { ErrorCode } from '#libs/contracts'
import type { TaskError } from '#libs/kernel'

/**
 * Errors for which a task only waits: the provider, its quota or our storage is not there for anybody, and the task is not to blame. They
 * spend no attempt, else an outage would turn healthy tasks into dead letters.
 */
const WAITING: ReadonlySet<ErrorCode> = new Set([
  'llm_rate_limited',
  'llm_payment_required',
  'llm_model_unavailable',
  'llm_unreachable',
  'llm_tls',
  'llm_auth_failed',
  'llm_auth_unavailable',
  'llm_unauthorized',
  'storage_unavailable',
  'storage_forbidden',
  // Retryable only where another replica has the version already, or still (a rollout).
  'template_not_found',
  'ledger_unavailable',
  'queue_unavailable',
  'route_closed',
  'quota_exhausted',
  'shutdown',
  'lease_lost',
])

export function spendsAttempt({ code }: TaskError): boolean {
  return !WAITING.has(code)
}

interface DeferralOptions {
  /** Milliseconds before the second, third, ... try; the last one repeats. */
  readonly scheduleMs: readonly number[]
  /** 1-based: the sends of this run so far. */
  readonly sends: number
  readonly random: () => number
}

/** Full jitter over the upper half of the schedule's step, and never sooner than the other side asked for. */
export function chooseDelay(error: TaskError, { scheduleMs, sends, random }: DeferralOptions): number {
  if (error.code === 'shutdown' || error.code === 'lease_lost') return 0
  const step = scheduleMs[Math.min(Math.max(sends, 1), scheduleMs.length) - 1] ?? 1_000
  return Math.max(error.retryAfterMs ?? 0, Math.round(step / 2 + (random() * step) / 2))
}
