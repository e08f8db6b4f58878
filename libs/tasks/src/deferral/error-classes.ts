import type { ErrorCode } from '#libs/contracts'
import type { AttemptEnd, DeferralClass, TaskError } from '#libs/kernel'

/**
 * The class of every error that may be retryable; null: it never is. Waiting for the provider, its quota or our own storage spends no
 * attempt, else an outage would turn healthy tasks into dead letters (docs/deferral.md gives the reason for each code).
 */
export const ERROR_CLASSES: Readonly<Record<ErrorCode, DeferralClass | null>> = {
  invalid_json: null,
  invalid_message: null,
  message_too_large: null,
  tombstone: null,
  conflict: null,
  no_handler: null,
  tenant_not_allowed: null,
  unknown_task_type: null,
  unsupported_kind: null,
  unsupported_media: null,
  model_not_allowed: null,
  invalid_params: null,
  // Retryable only where another replica has the version already, or still.
  template_not_found: 'rollout',
  template_variable_missing: null,
  template_variable_unknown: null,
  template_invalid: null,
  file_not_found: null,
  file_forbidden: null,
  file_too_large: null,
  file_changed: null,
  prompt_too_large: null,
  deadline_exceeded: null,
  llm_bad_request: null,
  llm_unauthorized: 'auth',
  llm_payment_required: 'payment',
  llm_forbidden: null,
  llm_model_not_found: null,
  llm_model_unavailable: 'provider_down',
  llm_payload_too_large: null,
  llm_unprocessable: null,
  llm_rate_limited: 'rate_limited',
  llm_server_error: 'provider_error',
  llm_bad_response: 'bad_answer',
  llm_unreachable: 'provider_down',
  llm_timeout: 'provider_error',
  llm_connection_lost: 'provider_error',
  llm_tls: 'auth',
  llm_auth_failed: 'auth',
  llm_auth_unavailable: 'provider_down',
  answer_too_large: null,
  answer_empty: null,
  output_invalid: null,
  storage_unavailable: 'storage_down',
  storage_forbidden: 'storage_down',
  ledger_unavailable: 'ledger_down',
  queue_unavailable: 'ledger_down',
  route_closed: 'provider_down',
  quota_exhausted: 'rate_limited',
  exceeds_budget: null,
  max_attempts: null,
  poison: null,
  maybe_paid: 'provider_error',
  shutdown: 'handover',
  lease_lost: 'handover',
  // A call that somebody broke off without a reason of ours.
  cancelled: 'handover',
  internal: 'internal',
}

/** never: the task only waits. sent: where a byte of it has reached the provider. always: also where no attempt could be opened. */
type Spending = 'never' | 'sent' | 'always'

const SPENDING: Readonly<Record<DeferralClass, Spending>> = {
  rate_limited: 'never',
  provider_down: 'never',
  provider_error: 'sent',
  bad_answer: 'sent',
  payment: 'never',
  auth: 'never',
  storage_down: 'never',
  ledger_down: 'never',
  rollout: 'never',
  internal: 'always',
  handover: 'never',
}

/** The class of a retryable error. One whose code is final everywhere else is a defect of ours. */
export function classOf({ code }: Pick<TaskError, 'code'>): DeferralClass {
  return ERROR_CLASSES[code] ?? 'internal'
}

/** Does this end of a try count against `max_attempts`? What was not sent cannot have failed because of the task. */
export function spendsAttempt(error: Pick<TaskError, 'code'>, end: Pick<AttemptEnd, 'state'> | undefined): boolean {
  const spending = SPENDING[classOf(error)]
  return spending === 'always' || (spending === 'sent' && end !== undefined && end.state !== 'not_sent')
}

/** Classes whose schedule is the single `deferral` of a task type: those that spend attempts. */
export const SPENDING_CLASSES = ['provider_error', 'bad_answer', 'internal'] as const
