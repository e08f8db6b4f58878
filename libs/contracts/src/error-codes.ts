/**
 * Every error code a producer, a consumer or an operator can meet: in results, dead letters, metrics labels and logs. A closed list:
 * a code is never reused for another meaning. `retryable` and the deferral class belong to the place where the error is born.
 */
export const ERROR_CODES = [
  // A delivery that never became a task.
  'invalid_json',
  'invalid_message',
  'message_too_large',
  'tombstone',
  'conflict',
  'no_handler',
  'tenant_not_allowed',
  'unknown_task_type',
  // A task that cannot be done as it was asked for.
  'unsupported_kind',
  'unsupported_media',
  'model_not_allowed',
  'invalid_params',
  'template_not_found',
  'template_variable_missing',
  'template_variable_unknown',
  'template_invalid',
  'file_not_found',
  'file_forbidden',
  'file_too_large',
  'file_changed',
  'prompt_too_large',
  'deadline_exceeded',
  // What the provider said.
  'llm_bad_request',
  'llm_unauthorized',
  'llm_payment_required',
  'llm_forbidden',
  'llm_model_not_found',
  'llm_model_unavailable',
  'llm_payload_too_large',
  'llm_unprocessable',
  'llm_rate_limited',
  'llm_server_error',
  'llm_bad_response',
  'llm_unreachable',
  'llm_timeout',
  'llm_connection_lost',
  'llm_tls',
  'llm_auth_failed',
  'llm_auth_unavailable',
  'answer_too_large',
  'answer_empty',
  'output_invalid',
  // Our own dependencies and limits.
  'storage_unavailable',
  'storage_forbidden',
  'ledger_unavailable',
  'queue_unavailable',
  'route_closed',
  'quota_exhausted',
  // The call alone may use more than the tenant's budget of a whole day.
  'exceeds_budget',
  'max_attempts',
  // Workers died again and again while they ran this task and no other suspect.
  'poison',
  'maybe_paid',
  'shutdown',
  'lease_lost',
  'cancelled',
  'internal',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]
