import { ERROR_CODES, type ErrorCode } from '#libs/contracts'

/**
 * How a dispatch can end, as a label. gone: the task was not this replica's any more. error: the handler threw and nothing inside of the
 * metrics turned that into an outcome.
 */
const OUTCOME_LABELS = ['succeeded', 'failed', 'expired', 'cancelled', 'deferred', 'held', 'gone', 'error'] as const
export type OutcomeLabel = (typeof OUTCOME_LABELS)[number]

/** What a handler or an inner interceptor emits when its dispatch did not simply succeed. Other values count as `succeeded`. */
export interface MeasuredOutcome {
  readonly outcome: OutcomeLabel
  readonly code?: ErrorCode
}

const OUTCOMES: ReadonlySet<unknown> = new Set(OUTCOME_LABELS)
const CODES: ReadonlySet<unknown> = new Set(ERROR_CODES)
const SUCCEEDED: MeasuredOutcome = { outcome: 'succeeded' }

/** Labels are closed sets, so whatever is not on a list does not become one. */
export function readOutcome(value: unknown): MeasuredOutcome {
  if (typeof value !== 'object' || value === null || !('outcome' in value) || !OUTCOMES.has(value.outcome)) return SUCCEEDED
  if (!('code' in value) || CODES.has(value.code)) return value as MeasuredOutcome
  return { outcome: value.outcome as OutcomeLabel }
}
