import type { ErrorRow } from '../chat/error-table.js'

/** Every error response of GigaChat, by status and words. Sources: its documentation, recorded traffic and users' reports. */
export const GIGACHAT_ERRORS: readonly ErrorRow[] = [
  { status: [300, 399], code: 'llm_bad_response', retryable: false, advice: 'a redirect is not followed; check GIGACHAT_BASE_URL' },
  { status: [400, 400], code: 'llm_bad_request', retryable: false },
  { status: [401, 401], code: 'llm_unauthorized', retryable: true },
  // It holds for every task of the model until somebody pays.
  { status: [402, 402], code: 'llm_payment_required', retryable: true, advice: 'the tokens of this model are used up' },
  // A model or a stand that is switched off for a while says so in words.
  { status: [403, 403], says: /temporarily unavailable/i, code: 'llm_model_unavailable', retryable: true },
  { status: [403, 403], code: 'llm_forbidden', retryable: false },
  { status: [404, 404], code: 'llm_model_not_found', retryable: false },
  { status: [408, 408], code: 'llm_timeout', retryable: true },
  { status: [413, 413], code: 'llm_payload_too_large', retryable: false },
  { status: [422, 422], code: 'llm_unprocessable', retryable: false },
  { status: [423, 423], code: 'llm_model_unavailable', retryable: true },
  { status: [429, 429], code: 'llm_rate_limited', retryable: true },
  { status: [400, 499], code: 'llm_bad_request', retryable: false },
  // From a front end, which says that nobody is behind it: no task of anybody would fare better.
  { status: [502, 503], code: 'llm_model_unavailable', retryable: true },
  { status: [529, 529], code: 'llm_model_unavailable', retryable: true },
  { status: [500, 599], code: 'llm_server_error', retryable: true },
]

/** The same where a file was asked for. */
export const GIGACHAT_FILE_ERRORS: readonly ErrorRow[] = [
  { status: [404, 404], code: 'file_not_found', retryable: false },
  ...GIGACHAT_ERRORS,
]
