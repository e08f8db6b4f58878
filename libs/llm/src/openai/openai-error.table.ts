import type { ErrorRow } from '../chat/error-table.js'

/** Error responses of OpenAI-compatible servers: vLLM, Ollama, LiteLLM and others, by status and their `error.code`. */
export const OPENAI_ERRORS: readonly ErrorRow[] = [
  { status: [300, 399], code: 'llm_bad_response', retryable: false, advice: 'a redirect is not followed; check OPENAI_BASE_URL' },
  { status: [400, 400], says: /context.{0,3}length|maximum context/i, code: 'llm_payload_too_large', retryable: false },
  { status: [400, 400], code: 'llm_bad_request', retryable: false },
  // Until somebody mends the key, or pays, it holds for every task: none of them is to blame.
  { status: [401, 401], code: 'llm_unauthorized', retryable: true, advice: 'check OPENAI_API_KEY' },
  { status: [402, 402], code: 'llm_payment_required', retryable: true },
  { status: [403, 403], code: 'llm_forbidden', retryable: false },
  { status: [404, 404], code: 'llm_model_not_found', retryable: false },
  { status: [408, 408], code: 'llm_timeout', retryable: true },
  { status: [413, 413], code: 'llm_payload_too_large', retryable: false },
  { status: [422, 422], code: 'llm_unprocessable', retryable: false },
  { status: [429, 429], says: /insufficient_quota/i, code: 'llm_payment_required', retryable: true },
  { status: [429, 429], code: 'llm_rate_limited', retryable: true },
  { status: [400, 499], code: 'llm_bad_request', retryable: false },
  // From a front end, which says that nobody is behind it: no task of anybody would fare better.
  { status: [502, 503], code: 'llm_model_unavailable', retryable: true },
  { status: [529, 529], code: 'llm_model_unavailable', retryable: true },
  { status: [500, 599], code: 'llm_server_error', retryable: true },
]
