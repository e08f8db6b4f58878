import { makeCounterProvider } from '@willsoto/nestjs-prometheus'
import { makeExemplarHistogramProvider } from '#libs/metrics'

export const LLM_CALL_DURATION = 'sluice_llm_call_duration_seconds'
export const LLM_FIRST_TOKEN = 'sluice_llm_time_to_first_token_seconds'
export const LLM_CALLS = 'sluice_llm_calls_total'
export const LLM_TOKENS = 'sluice_llm_tokens_total'
export const LLM_COST = 'sluice_llm_cost_total'
export const LLM_REPEATED = 'sluice_llm_repeated_calls_total'

const BUCKETS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120]

export const llmMetrics = [
  makeCounterProvider({
    name: LLM_CALLS,
    help: 'Calls to models that have ended, by how (answered, refused, not_sent, maybe_paid, answer_too_large) and error code (none where it was answered).',
    labelNames: ['provider', 'model', 'result', 'code'],
  }),
  makeExemplarHistogramProvider({
    name: LLM_CALL_DURATION,
    help: 'Time of a call from the send to its end, by provider, model and result.',
    labelNames: ['provider', 'model', 'result'],
    buckets: BUCKETS_SECONDS,
  }),
  makeExemplarHistogramProvider({
    name: LLM_FIRST_TOKEN,
    help: 'Time from the send to the first byte of the answer: of a streamed one its first token.',
    labelNames: ['provider', 'model'],
    buckets: BUCKETS_SECONDS,
  }),
  makeCounterProvider({
    name: LLM_TOKENS,
    help: 'Tokens as the provider has counted them, by kind: input (those of the cache included), cached, output.',
    labelNames: ['provider', 'model', 'kind'],
  }),
  makeCounterProvider({
    name: LLM_COST,
    help: 'Money that answered calls have cost, by the price list of LIMITS_FILE and in its currency. Models without a price are left out.',
    labelNames: ['provider', 'model'],
  }),
  makeCounterProvider({
    name: LLM_REPEATED,
    help: 'Calls that were not the first attempt of their run.',
    labelNames: ['provider', 'model'],
  }),
]
