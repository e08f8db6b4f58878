import type { ErrorCode, ObjectReference, TokenUsage } from '#libs/contracts'
import type { DeferralClass, TaskError } from '#libs/kernel'

/** What a run gives when it succeeds. */
export interface RunOutput {
  readonly text?: string
  readonly json?: unknown
  readonly outputRef?: ObjectReference
}

/** What is known of the answer, whether the run succeeds or fails after it. */
export interface AnswerFacts {
  readonly model: string
  readonly finishReason: string
  readonly usage: TokenUsage | undefined
  readonly llmMs: number
}

export interface RunFacts {
  readonly answer?: AnswerFacts
  readonly promptVersion?: string
  /** The message's own metadata, given back in the result. */
  readonly metadata?: Record<string, unknown>
}

/**
 * What a dispatch of a task came to. gone: the task is not this replica's any more, so there is nothing to store. `outcome` and `code` are
 * what the metrics read.
 */
export type Verdict =
  | { readonly outcome: 'succeeded'; readonly output: RunOutput; readonly facts: RunFacts }
  | { readonly outcome: 'failed' | 'expired'; readonly code: ErrorCode; readonly error: TaskError; readonly facts: RunFacts }
  | {
      readonly outcome: 'deferred'
      readonly code: ErrorCode
      readonly delayMs: number
      readonly reason: string
      readonly deferralClass: DeferralClass
      readonly countsAttempt: boolean
    }
  | { readonly outcome: 'held'; readonly code: ErrorCode; readonly reason: string }
  | { readonly outcome: 'gone' }

/**
 * What the handler comes to. repeat: the call may have been paid for, and the task type allows another one; when is for the pipeline to
 * say.
 */
export type RunResult = Verdict | { readonly outcome: 'repeat'; readonly error: TaskError }

export function makeFailure(error: TaskError, facts: RunFacts = {}): Verdict {
  return { outcome: 'failed', code: error.code, error, facts }
}

/** The deadline passed before anything could be sent. */
export function makeExpiry(error: TaskError): Verdict {
  return { outcome: 'expired', code: error.code, error, facts: {} }
}
